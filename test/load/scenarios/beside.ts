import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { BenchContext, Measurement } from '../bench-context';
import { redisSeconds } from '../redis-seconds';
import { createTopic } from '../requests';
import { median } from '../stats';
import type { WriterWork } from '../writer-thread';
import { batchesOf, largeBatches, openMany, produceAll } from './produce';

/** Nobody else; somebody at another topic, which costs what any load costs; and at the same. */
const neighbours = [
  { rate: 0, elsewhere: false },
  { rate: 100, elsewhere: true },
  { rate: 100, elsewhere: false },
  { rate: 1_000, elsewhere: false },
];
type Neighbour = (typeof neighbours)[number];
const peerName = 'the same without';
/** How much of the rate has to be left. */
const asked = 0.9;

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
  const elsewhere = 'bench-elsewhere';
  await createTopic(connections[0]!, elsewhere, partitions);
  const all = new Map<Neighbour, Found>();
  for (const neighbour of neighbours) all.set(neighbour, { perSecond: [], microseconds: [] });
  for (let round = 0; round <= context.rounds; round++) {
    for (const [neighbour, { perSecond, microseconds }] of all) {
      context.progress(`${load.name}, beside ${nameOf(neighbour)}`);
      // Each has a topic of its own: on a new one the gateway is slower at first.
      const topic = `bench-beside-${round}-${neighbours.indexOf(neighbour)}`;
      await createTopic(connections[0]!, topic, partitions);
      const where = neighbour.elsewhere ? elsewhere : topic;
      const work = { redisUrl, topic: where, partitions, perSecond: neighbour.rate };
      const end = neighbour.rate === 0 ? null : await startWriter(work);
      const before = await redisSeconds(context);
      perSecond.push(await produceAll(load, batches, topic, connections));
      microseconds.push((1e6 * ((await redisSeconds(context)) - before)) / load.total);
      await end?.();
      await context.redis.unlink(...(await context.redis.keys(`*${topic}/*:log`)));
    }
  }
  for (const connection of connections) connection.close();
  await context.stopGateway();
  await context.redis.flushall();
  const toMegabytes = batches[0]!.length / 1e6;
  const alone = all.get(neighbours[0]!)!;
  return neighbours.slice(1).flatMap((neighbour) => {
    const name = `${load.name}, beside ${nameOf(neighbour)}`;
    const found = all.get(neighbour)!;
    const perSecond = compare(found.perSecond, alone.perSecond, toMegabytes);
    const time = compare(found.microseconds, alone.microseconds, 1);
    const target = `ratio at least ${asked}`;
    const judged = neighbour.elsewhere ? {} : { target, met: perSecond.ratio >= asked };
    return [
      { name, unit: 'MB/s', ...perSecond, ...judged },
      { name: `${name}: Redis' time for a batch, theirs included`, unit: 'µs', ...time },
    ];
  });
}

function nameOf({ rate, elsewhere }: Neighbour): string {
  return `${rate} single records/s past the gateway${elsewhere ? ', to another topic' : ''}`;
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
