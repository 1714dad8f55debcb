import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { silentLogger, systemClock } from '@sluice/base';
import { PartitionStore, type PartitionRef, type Topic } from '@sluice/log';
import { readBatchHeader } from '@sluice/records';
import { RedisLink } from '@sluice/redis';
import { TopicTrimmer, type TrimReport } from '@sluice/retention';
import type { BenchContext, Measurement } from '../bench-context';
import { redisSeconds } from '../redis-seconds';
import { buildBatch, createTopic } from '../requests';
import { median, percentile, seconds } from '../stats';
import { batchesOf, largeBatches, openMany, produceAll } from './produce';

const MiB = 1024 * 1024;
const checkEverySeconds = 300;
const dayMs = 86_400_000;

/** What trims, over connections of its own, as a worker in another process would. */
interface Bench {
  context: BenchContext;
  link: RedisLink;
  store: PartitionStore;
  trimmer: TopicTrimmer;
}

/**
 * Trimming: for how long it keeps Redis from others, what it takes from producers beside it, and
 * what it costs where nothing is due.
 */
export async function measureTrim(context: BenchContext): Promise<Measurement[]> {
  const url = `redis://127.0.0.1:${context.redis.options.port}`;
  const deps = { log: silentLogger, clock: systemClock };
  const link = await RedisLink.connect({ url, keyPrefix: 'bench:' }, deps);
  const store = new PartitionStore(link);
  const bench = { context, link, store, trimmer: new TopicTrimmer({ store, ...deps }) };
  try {
    return [
      ...(await backlog(bench)),
      ...(await nothingDue(bench)),
      ...(await besideProducers(context)),
    ];
  } finally {
    await link.close();
    await context.redis.flushall();
  }
}

/** A partition of 10 million records that are all due, and a PING every ms meanwhile. */
async function backlog(bench: Bench): Promise<Measurement[]> {
  const { context } = bench;
  const records = context.quick ? 1_000_000 : 10_000_000;
  context.progress(`trim, ${records.toLocaleString('en-US')} records of one partition`);
  const topic = topicOf('bench-trim', 1, { 'retention.ms': String(dayMs) });
  const ref = refOf(topic, 0);
  await bench.store.initPartition(ref);
  await fill(bench, ref, records);
  const idle = await pings(context, () => sleep(context.quick ? 1_000 : 5_000));
  let report: TrimReport | undefined;
  let took = 0;
  const busy = await pings(context, async () => {
    took = await seconds(async () => void (report = await bench.trimmer.trim(topic)));
  });
  if (report?.records !== records) throw new Error(`trimmed ${JSON.stringify(report)}`);
  const name = `trim, ${records / 1e6} million records, 16 KiB batches`;
  const peerName = 'the same without';
  const shares = [
    ['p50', 0.5],
    ['p99', 0.99],
    ['longest', 1],
  ] as const;
  return [
    { name: `${name}: time`, unit: 's', sluice: took },
    ...shares.map(([share, at]) => ({
      name: `${name}: PING beside it, ${share}`,
      unit: 'ms',
      sluice: percentile(busy, at),
      peer: percentile(idle, at),
      peerName,
      ...(at === 1 ? { target: 'below 10 ms', met: percentile(busy, at) < 10 } : {}),
    })),
  ];
}

/** Many partitions of which each has one young batch: Redis' time for one look at all of them. */
async function nothingDue({ context, store, trimmer }: Bench): Promise<Measurement[]> {
  const partitions = context.quick ? 1_000 : 10_000;
  context.progress(`trim, ${partitions} partitions with nothing to trim`);
  const topic = topicOf('bench-many', partitions, {});
  const batch = buildBatch(16 * 1024, 100, 1);
  for (let first = 0; first < partitions; first += 100) {
    const refs = Array.from({ length: 100 }, (_, i) => refOf(topic, first + i));
    await Promise.all(refs.map((ref) => store.initPartition(ref)));
    await Promise.all(refs.map((ref) => append(store, ref, [batch])));
  }
  const cost = async (): Promise<number> => {
    const before = await redisSeconds(context);
    await trimmer.trim(topic);
    return (100 * ((await redisSeconds(context)) - before)) / checkEverySeconds;
  };
  const [first, next] = [await cost(), await cost()];
  const name = `trim, ${partitions} partitions, nothing due, every 5 min`;
  const target = 'below 1 %';
  return [
    { name: `${name}: first look`, unit: "% of Redis' time", sluice: first },
    { name, unit: "% of Redis' time", sluice: next, target, met: next < 1 },
  ];
}

/** Producing into topics that are kept at 64 MiB, beside producing into others that grow. */
async function besideProducers(context: BenchContext): Promise<Measurement[]> {
  const load = { ...largeBatches(context), name: 'trim beside produce, 64 KiB batches' };
  context.progress(load.name);
  const batches = batchesOf(load);
  const port = await context.startGateway();
  const connections = await openMany(port, load.connections);
  const url = `redis://127.0.0.1:${context.redis.options.port}`;
  const deps = { log: silentLogger, clock: systemClock };
  const link = await RedisLink.connect({ url }, deps);
  const trimmer = new TopicTrimmer({ store: new PartitionStore(link), ...deps });
  const rates: Record<'grow' | 'trim', number[]> = { grow: [], trim: [] };
  for (let round = 0; round <= context.rounds; round++) {
    for (const kind of ['grow', 'trim'] as const) {
      const name = `bench-${kind}-${round}`;
      await createTopic(connections[0]!, name, load.partitions);
      const end = new AbortController();
      const trimming = kind === 'trim' ? keepTrimming(link, trimmer, name, end.signal) : null;
      const rate = await produceAll(load, batches, name, connections);
      end.abort();
      await trimming;
      if (round > 0) rates[kind].push((rate * batches[0]!.length) / 1e6);
    }
  }
  for (const connection of connections) connection.close();
  await link.close();
  await context.stopGateway();
  const [sluice, peer] = [median(rates.trim), median(rates.grow)];
  const ratio = sluice / peer;
  const peerName = 'the same without';
  const target = 'ratio at least 0.9';
  return [
    { name: load.name, unit: 'MB/s', sluice, peer, peerName, ratio, target, met: ratio >= 0.9 },
  ];
}

async function keepTrimming(
  link: RedisLink,
  trimmer: TopicTrimmer,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const stored = await link.read.hget(`${link.keyPrefix}{registry}:topics`, name);
  const configs = { 'retention.bytes': String(16 * MiB) };
  const topic = { ...(JSON.parse(stored!) as Topic), configs };
  while (!signal.aborted) {
    const { failures } = await trimmer.trim(topic, signal);
    if (failures.length > 0) throw new Error(`trimming failed: ${failures[0]!.message}`);
    await sleep(50);
  }
}

async function fill({ store }: Bench, ref: PartitionRef, records: number): Promise<void> {
  const batch = buildBatch(16 * 1024, 100, 1, Date.now() - 2 * dayMs);
  const each = readBatchHeader(batch).lastOffsetDelta + 1;
  const whole = Math.floor(records / each);
  for (let done = 0; done < whole; done += 64) {
    const count = Math.min(64, whole - done);
    await append(
      store,
      ref,
      Array.from({ length: count }, () => batch),
    );
  }
  const rest = records - whole * each;
  const single = buildBatch(0, 100, 1, Date.now() - 2 * dayMs);
  await append(
    store,
    ref,
    Array.from({ length: rest }, () => single),
  );
}

async function append(store: PartitionStore, ref: PartitionRef, batches: Buffer[]): Promise<void> {
  const options = { replicationTimeoutMs: 5_000, log: silentLogger };
  const trouble = { note: () => {} };
  const writer = store.writer(ref, { ...options, trouble, onReply: () => {} });
  const appended = batches.map((bytes) => {
    const header = readBatchHeader(bytes);
    return new Promise<void>((resolve, reject) => {
      const done = (_: unknown, error: unknown) => (error ? reject(error as Error) : resolve());
      writer.append({ bytes, ...header }, null, done, 0);
    });
  });
  await Promise.all(appended);
  writer.close();
}

/** How long each PING of a second connection took while something ran. */
async function pings({ redis }: BenchContext, run: () => Promise<unknown>): Promise<number[]> {
  const { port } = redis.options;
  const thread = new Worker(join(__dirname, '../ping-thread.js'), { workerData: { port } });
  await once(thread, 'message');
  await run();
  thread.postMessage('end', []);
  const [tookMs] = (await once(thread, 'message')) as [number[]];
  await thread.terminate();
  return tookMs;
}

function topicOf(name: string, partitions: number, configs: Topic['configs']): Topic {
  return { name, id: 'AAAAAAAAAAAAAAAAAAAAAA', partitions, configs, createdAtMs: 0 };
}

function refOf({ name, id }: Topic, partition: number): PartitionRef {
  return { topic: name, topicId: id, partition };
}
