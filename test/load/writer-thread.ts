import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { silentLogger, systemClock } from '@sluice/base';
import { PartitionStore, type PartitionWriter, type Topic } from '@sluice/log';
import { readBatchHeader } from '@sluice/records';
import { RedisLink } from '@sluice/redis';
import { buildBatch } from './requests';

/** Of which topic, where, and how many records a second in all. */
export interface WriterWork {
  url: string;
  topic: string;
  perSecond: number;
}

/**
 * Writes single records straight to Redis at a fixed rate, to one partition after the other, as a
 * producer in a process of its own does; in a thread, so that what the tool does does not show.
 */
async function writeUntilTold({ url, topic, perSecond }: WriterWork): Promise<void> {
  const link = await RedisLink.connect({ url }, { log: silentLogger, clock: systemClock });
  const stored = await link.read.hget(`${link.keyPrefix}{registry}:topics`, topic);
  const { id, partitions } = JSON.parse(stored!) as Topic;
  const store = new PartitionStore(link);
  const writers = Array.from({ length: partitions }, (_, partition) =>
    store.writer(
      { topic, topicId: id, partition },
      {
        leaderEpoch: -1,
        replicationTimeoutMs: 5_000,
        log: silentLogger,
        trouble: { note: () => {} },
        onReply: () => {},
      },
    ),
  );
  let isTold = false;
  parentPort!.once('message', () => (isTold = true));
  parentPort!.postMessage('ready', []);
  const startMs = performance.now();
  let written = 0;
  let failed = 0;
  while (!isTold) {
    await sleep(1);
    const due = ((performance.now() - startMs) * perSecond) / 1000;
    for (; written < due; written++) {
      append(writers[written % partitions]!, (error) => (failed += error === null ? 0 : 1));
    }
  }
  await Promise.all(writers.map(idle));
  await link.close();
  parentPort!.postMessage({ written, failed }, []);
}

const bytes = buildBatch(0, 100, 1);
const batch = { bytes, ...readBatchHeader(bytes) };

function append(writer: PartitionWriter, done: (error: unknown) => void): void {
  writer.append(batch, 0, (_, error) => done(error));
}

async function idle(writer: PartitionWriter): Promise<void> {
  while (writer.busy) await sleep(1);
  writer.close();
}

void writeUntilTold(workerData as WriterWork);
