import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { BenchContext, Measurement } from '../bench-context';
import { createTopic } from '../requests';
import { median } from '../stats';
import type { WriterWork } from '../writer-thread';
import { batchesOf, largeBatches, openMany, produceAll } from './produce';

const rates = [100, 1_000];

/**
 * What producing large batches through a gateway loses to others that write single records
 * straight to Redis, to the same partitions: they come in between, and large batches go past Lua
 * only where the gateway knows where the log ends.
 */
export async function measureBeside(context: BenchContext): Promise<Measurement[]> {
  const load = largeBatches(context);
  const batches = batchesOf(load);
  const port = await context.startGateway();
  const connections = await openMany(port, load.connections);
  const { partitions } = load;
  const redisUrl = `redis://127.0.0.1:${context.redis.options.port}`;
  const alone: number[] = [];
  const beside = new Map<number, number[]>(rates.map((rate) => [rate, []]));
  for (let round = 0; round <= context.rounds; round++) {
    const topic = `bench-beside-${round}`;
    await createTopic(connections[0]!, topic, partitions);
    alone.push(await produceAll(load, batches, topic, connections));
    for (const [perSecond, found] of beside) {
      context.progress(`${load.name}, beside ${perSecond} records/s`);
      const end = await startWriter({ redisUrl, topic, partitions, perSecond });
      found.push(await produceAll(load, batches, topic, connections));
      await end();
    }
    await context.redis.unlink(...(await context.redis.keys(`*${topic}/*:log`)));
  }
  for (const connection of connections) connection.close();
  await context.stopGateway();
  await context.redis.flushall();
  const toMegabytes = batches[0]!.length / 1e6;
  const peer = median(alone.slice(1)) * toMegabytes;
  return [...beside].map(([perSecond, found]) => {
    const sluice = median(found.slice(1)) * toMegabytes;
    const ratio = sluice / peer;
    return {
      name: `${load.name}, beside ${perSecond} single records/s past the gateway`,
      unit: 'MB/s',
      sluice,
      peer,
      peerName: 'the same without',
      ratio,
      target: 'ratio at least 0.9',
      met: ratio >= 0.9,
    };
  });
}

/** @returns what ends it */
async function startWriter(work: WriterWork): Promise<() => Promise<void>> {
  const thread = new Worker(join(__dirname, '../writer-thread.js'), { workerData: work });
  // Where the bench is interrupted nobody ends it.
  thread.unref();
  await once(thread, 'message');
  return async () => {
    thread.postMessage('end', []);
    const [{ written, failed }] = (await once(thread, 'message')) as [
      { written: number; failed: number },
    ];
    await thread.terminate();
    if (failed > 0 || written === 0) throw new Error(`${failed} of ${written} records failed`);
  };
}
