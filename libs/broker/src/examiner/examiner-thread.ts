import { isMainThread, parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { examineRecords, RecordsError } from '@sluice/records';
import type { ExamineAnswer, ExamineRequest } from './examiner-messages';

/** This file, and what a thread that runs it is given, so that it knows what it is for. */
export const threadFile = __filename;
export const threadData = 'sluice: examines record batches';

if (!isMainThread && workerData === threadData && parentPort) serve(parentPort);

function serve(port: MessagePort): void {
  port.on('message', (request: ExamineRequest) => {
    const { id, memory } = request;
    const outcome = examine(request);
    const handedOver = [memory];
    if (outcome.kind === 'found' && outcome.repacked) handedOver.push(outcome.repacked);
    const answer: ExamineAnswer = { id, memory, outcome };
    port.postMessage(answer, handedOver);
  });
}

/** An error of our own is thrown on, and ends the thread; the gateway starts another. */
function examine(request: ExamineRequest): ExamineAnswer['outcome'] {
  const { memory, recordsBytes, header, rules } = request;
  try {
    const records = Buffer.from(memory, 0, recordsBytes);
    const { largestTimestampMs, repacked } = examineRecords(records, 0, header, rules);
    return { kind: 'found', largestTimestampMs, repacked: repacked && ownMemory(repacked) };
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error;
    const { code, message, faults } = error;
    return { kind: 'refused', code, message, faults };
  }
}

/** A buffer's bytes in memory that holds nothing else, so that it can be handed over. */
function ownMemory(bytes: Buffer): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
