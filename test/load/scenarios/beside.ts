import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { BenchContext, Measurement } from '../bench-context';
import { redisSeconds } from '../redis-seconds';
import { createTopic } from '../requests';
import { median } from '../stats';
import type { WriterWork } from '../writer-thread';
import { batchesOf, largeBatches, openMany, produceAll } from './produce';

const rates = [0, 100, 1_000];
const peerName = 'the same without';

/** What each round has found: batches a second, and Redis' microseconds for each. */
interface Found {
  perSecond: number[];
  microseconds: number[];
}

/**
 * What producing large batches through a gateway loses to others that write single records
 * straight to Redis, to the same partitions: they come in between, and large batches go past Lua
 * only where the gateway knows where the log ends. Redis' time is steadier than the rate where the
 * machine has other work.
 */
export async function measureBeside(context: BenchContext): Promise<Measurement[]> {
  const load = largeBatches(context);
  const batches = batchesOf(load);
  const { partitions } = load;
  const port = await context.startGateway();
  const connections = await openMany(port, load.connections);
  const redisUrl = `redis://127.0.0.1:${context.redis.options.port}`;
  const all = new Map<number, Found>();
  for (const rate of rates) all.set(rate, { perSecond: [], microseconds: [] });
  for (let round = 0; round <= context.rounds; round++) {
    const topic = `bench-beside-${round}`;
    await createTopic(connections[0]!, topic, partitions);
    for (const [rate, { perSecond, microseconds }] of all) {
      context.progress(`${load.name}, beside ${rate} records/s`);
      const work = { redisUrl, topic, partitions, perSecond: rate };
      const end = rate === 0 ? null : await startWriter(work);
      const before = await redisSeconds(context);
      perSecond.push(await produceAll(load, batches, topic, connections));
      microseconds.push((1e6 * ((await redisSeconds(context)) - before)) / load.total);
      await end?.();
    }
    await context.redis.unlink(...(await context.redis.keys(`*${topic}/*:log`)));
  }
  for (const connection of connections) connection.close();
  await context.stopGateway();
  await context.redis.flushall();
  const toMegabytes = batches[0]!.length / 1e6;
  const alone = all.get(0)!;
  return rates.slice(1).flatMap((rate) => {
    const name = `${load.name}, beside ${rate} single records/s past the gateway`;
    const found = all.get(rate)!;
    const perSecond = compare(found.perSecond, alone.perSecond, toMegabytes);
    const time = compare(found.microseconds, alone.microseconds, 1);
    return [
      {
        name,
        unit: 'MB/s',
        ...perSecond,
        target: 'ratio at least 0.9',
        met: perSecond.ratio >= 0.9,
      },
      { name: `${name}: Redis' time for a batch, theirs included`, unit: 'µs', ...time },
    ];
  });
}

/** The first round is not counted: what a process does first it does slowly. */
function compare(beside: number[], alone: number[], factor: number) {
  const sluice = median(beside.slice(1)) * factor;
  const peer = median(alone.slice(1)) * factor;
  return { sluice, peer, peerName, ratio: sluice / peer };
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
