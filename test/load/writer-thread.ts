import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { StreamProducer, StreamsConnection } from '@sluice/streams';

/** Where to write, and how many records a second. */
export interface WriterWork {
  redisUrl: string;
  topic: string;
  partitions: number;
  perSecond: number;
}

/**
 * Writes single records straight to Redis at a fixed rate, to one partition after the other, as a
 * NestJS service does; in a thread, so that what the tool does does not show.
 */
async function writeUntilTold(work: WriterWork): Promise<void> {
  const { redisUrl, topic, partitions, perSecond } = work;
  const connection = new StreamsConnection({ redisUrl });
  const producer = new StreamProducer(connection);
  const value = Buffer.alloc(100, 'x');
  const send = (number: number) =>
    producer.send({ topic, partition: number % partitions, value }).catch(() => failed++);
  let failed = 0;
  let isTold = false;
  await Promise.all(Array.from({ length: partitions }, (_, partition) => send(partition)));
  parentPort!.once('message', () => (isTold = true));
  parentPort!.postMessage('ready', []);
  const startMs = performance.now();
  let written = 0;
  for (;;) {
    if (isTold) break;
    await sleep(1);
    const due = ((performance.now() - startMs) * perSecond) / 1000;
    for (; written < due; written++) void send(written);
  }
  await producer.close();
  await connection.close();
  parentPort!.postMessage({ written, failed }, []);
}

void writeUntilTold(workerData as WriterWork);
