import type { BenchContext, Measurement } from '../bench-context';
import { RawConnection } from '../raw-connection';
import { buildBatch, checkProduced, createTopic, produceRequest } from '../requests';
import { percentile } from '../stats';

const topic = 'bench-latency';
export const ratePerSecond = 1_000;
export const warmUpRecords = 3_000;
export const shares = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['p99.9', 0.999],
] as const;

/**
 * Single records at a fixed rate, bare XADD at the same rate beside it. Time counts from when a
 * record was due, not from when it was sent, so a stall shows in all records that it held up.
 */
export async function measureLatency(context: BenchContext): Promise<Measurement[]> {
  context.progress(`latency, single records at ${ratePerSecond}/s`);
  const total = context.quick ? 3_000 : 15_000;
  const batch = buildBatch(0, 100, 1);
  const port = await context.startGateway();
  const connection = await RawConnection.open(port);
  await createTopic(connection, topic, 1);
  const request = produceRequest(topic, 0, batch);
  const check = checkProduced(topic);
  const throughGateway = async () => check(await connection.ask(request));
  const bare = async () => {
    await context.redis.xadd('bench:latency', '*', 'b', batch);
  };
  // What a process does first it does slowly, and the gateway has just started.
  for (const send of [throughGateway, bare]) await atFixedRate(warmUpRecords, send);
  const sluice = await atFixedRate(total, throughGateway);
  const peer = await atFixedRate(total, bare);
  connection.close();
  await context.stopGateway();
  await context.redis.flushall();
  return shares.map(([name, share]) => {
    const [ours, theirs] = [percentile(sluice, share), percentile(peer, share)];
    return {
      name: `latency ${name}, single records at ${ratePerSecond}/s, acks=1`,
      unit: 'ms',
      sluice: ours,
      peer: theirs,
      peerName: 'bare XADD, ioredis',
      ratio: ours / theirs,
    };
  });
}

/** Milliseconds from due to done, one at a time in order, each as soon as it is due. */
export async function atFixedRate(total: number, send: () => Promise<void>): Promise<number[]> {
  const took: number[] = [];
  const gapMs = 1000 / ratePerSecond;
  const start = performance.now();
  for (let n = 0; n < total; n++) {
    const dueMs = start + n * gapMs;
    while (performance.now() < dueMs) await new Promise((resolve) => setImmediate(resolve));
    await send();
    took.push(performance.now() - dueMs);
  }
  return took;
}
