import type { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '@sluice/base';
import { batchHeaderBytes, RecordsError, type Findings } from '@sluice/records';
import { limits } from '../limits';
import { NotExamined, type Examination } from './examination';
import type { ExamineAnswer, ExamineRequest } from './examiner-messages';
import { threadData, threadFile } from './examiner-thread';
import { startThread } from './start-thread';

/** Whom a thread tells of what happens to it. */
export interface ThreadListener {
  /** It has answered, and takes the next batch. */
  onIdle(): void;
  /** It has ended by itself or was ended because it took too long; it is of no use any more. */
  onDead(thread: ExaminingThread, why: string): void;
}

/** One thread that examines one batch at a time. */
export class ExaminingThread {
  private readonly worker: Worker;
  private current: Examination | null = null;
  private timer: Timer | null = null;
  private dead = false;
  private lastId = 0;
  /** Goes to the thread with each batch and comes back with its answer. */
  private memory: ArrayBuffer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly listener: ThreadListener,
  ) {
    this.worker = startThread(threadFile, { workerData: threadData, name: 'examiner' });
    // Whoever waits for an answer keeps the process; an idle thread does not.
    this.worker.unref();
    this.worker.on('message', (answer: ExamineAnswer) => this.answered(answer));
    this.worker.on('error', (error) => this.die(error.message));
    this.worker.on('exit', () => this.die('it ended'));
  }

  /** Whether it has a batch. */
  get busy(): boolean {
    return this.current !== null;
  }

  /** Begins with a batch. It must not be busy. */
  begin(examination: Examination): void {
    const { batch, header, rules } = examination;
    const recordsBytes = batch.length - batchHeaderBytes;
    const memory = this.takeMemory(recordsBytes);
    batch.copy(Buffer.from(memory), 0, batchHeaderBytes);
    const { attributes, recordCount, baseTimestampMs } = header;
    const request: ExamineRequest = {
      id: ++this.lastId,
      memory,
      recordsBytes,
      header: { attributes, recordCount, baseTimestampMs },
      rules,
    };
    this.current = examination;
    this.timer = this.clock.setTimer(limits.examineMsMax, () => {
      this.die(`a batch took more than ${limits.examineMsMax} ms`);
    });
    this.worker.postMessage(request, [memory]);
  }

  /** Ends it; what it is busy with is not examined. */
  async stop(why: string): Promise<void> {
    this.dead = true;
    this.giveUp(why);
    await this.worker.terminate();
  }

  private takeMemory(bytes: number): ArrayBuffer {
    const { memory } = this;
    this.memory = null;
    if (memory !== null && memory.byteLength >= bytes) return memory;
    return new ArrayBuffer(2 ** Math.ceil(Math.log2(Math.max(bytes, 1))));
  }

  private answered({ id, memory, outcome }: ExamineAnswer): void {
    const { current } = this;
    if (this.dead || current === null || id !== this.lastId) return;
    if (memory.byteLength <= limits.examineMemoryBytesMax) this.memory = memory;
    this.current = null;
    this.timer?.cancel();
    if (outcome.kind === 'refused') {
      const { code, message, faults } = outcome;
      current.reject(new RecordsError(code, message, { faults }));
    } else {
      current.resolve(findingsOf(outcome));
    }
    this.listener.onIdle();
  }

  private die(why: string): void {
    if (this.dead) return;
    void this.stop(why);
    this.listener.onDead(this, why);
  }

  private giveUp(why: string): void {
    this.timer?.cancel();
    this.current?.reject(new NotExamined(why));
    this.current = null;
  }
}

function findingsOf(outcome: Extract<ExamineAnswer['outcome'], { kind: 'found' }>): Findings {
  const { largestTimestampMs, repacked } = outcome;
  return { largestTimestampMs, repacked: repacked && Buffer.from(repacked) };
}
