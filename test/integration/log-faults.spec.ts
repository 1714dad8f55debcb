import { partitionKeys } from '@sluice/log';
import { decodeBatch, isControl, readBatchHeader } from '@sluice/records';
import { checkPartition } from '@sluice/test/models/partition-check';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { StubbornProducer, type ProducerPlan } from '@sluice/test/support/stubborn-producer';
import { RawClient } from '@sluice/test/support/raw-client';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import { CreateTopics, ErrorCode, Fetch } from '@sluice/wire';
import { setTimeout as sleep } from 'node:timers/promises';

/** How many faults, and from which seed; more for a long run by hand. */
const faultsMax = Number(process.env['SLUICE_FAULTS'] ?? 6);
const seed = Number(process.env['SLUICE_FAULT_SEED'] ?? Math.trunc(Date.now() % 2 ** 31));

const topic = 'orders';

/** A record as a consumer has it. */
interface Seen {
  offset: number;
  key: string;
}

let redis: TestRedis;
let proxy: TcpProxy;
let host: TestBroker;

beforeAll(async () => {
  redis = await startRedis();
  proxy = new TcpProxy(redis);
  const port = await proxy.start();
  const proxied = { ...redis, url: `redis://127.0.0.1:${port}` };
  host = await startBroker({ redis: proxied, hotBytesMax: 512 * 1024 });
  const client = await RawClient.connect(host.port);
  const topics = [{ name: topic, numPartitions: 2, replicationFactor: 1 }];
  await client.send(CreateTopics, 7, { topics });
  await client.close();
});

afterAll(async () => {
  await host?.stop();
  await proxy?.stop();
  await redis?.stop();
});

/** A small generator of its own, so that a seed gives the same faults again (mulberry32). */
function generator(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Reads a partition from its start and goes on, through errors, until told where to stop. */
class Follower {
  readonly seen: Seen[] = [];
  #end = Infinity;

  constructor(
    private readonly port: number,
    readonly partition: number,
    private readonly bytesMax: number,
  ) {}

  /** Its `run` ends when it has read all before this offset. */
  stopAt(end: number): void {
    this.#end = end;
  }

  async run(): Promise<void> {
    let client = await RawClient.connect(this.port);
    let offset = 0;
    while (offset < this.#end) {
      try {
        offset = await this.#fetch(client, offset);
      } catch (error) {
        if (!/closed|no reply/.test((error as Error).message)) throw error;
        client = await RawClient.connect(this.port);
      }
    }
    await client.close();
  }

  async #fetch(client: RawClient, fetchOffset: number): Promise<number> {
    const { partition, bytesMax } = this;
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: bytesMax }];
    const topics = [{ topic, partitions }];
    const request = { maxWaitMs: 100, minBytes: 1, maxBytes: bytesMax, topics };
    const reply = await client.send(Fetch, 11, request);
    const { errorCode, records, highWatermark } = reply.responses[0]!.partitions[0]!;
    // Consumers end on what they do not expect, so a failure of Redis is this code only.
    if (errorCode === ErrorCode.KAFKA_STORAGE_ERROR) {
      await sleep(20);
      return fetchOffset;
    }
    if (errorCode !== ErrorCode.NONE) throw new Error(`fetch failed with ${errorCode}`);
    const bytes = Buffer.isBuffer(records) ? records : Buffer.concat(records as Buffer[]);
    let next = fetchOffset;
    for (let at = 0; at < bytes.length;) {
      const size = 12 + bytes.readInt32BE(at + 8);
      const batch = bytes.subarray(at, at + size);
      const header = readBatchHeader(batch);
      if (isControl(header.attributes)) {
        // Offsets that a killed Redis may have given out, and that are left out therefore.
        next = header.baseOffset + header.lastOffsetDelta + 1;
        at += size;
        continue;
      }
      for (const record of decodeBatch(batch)) {
        if (record.offset < fetchOffset) continue;
        if (record.offset !== next) throw new Error(`offset ${record.offset} after ${next - 1}`);
        this.seen.push({ offset: record.offset, key: record.key!.toString() });
        next++;
      }
      if (next !== header.baseOffset + header.lastOffsetDelta + 1) throw new Error('a hole');
      at += size;
    }
    if (next > highWatermark) throw new Error(`read up to ${next}, end ${highWatermark}`);
    return next;
  }
}

type Fault = (random: () => number) => Promise<unknown>;

const faults: Record<string, Fault> = {
  loseReply: async () => proxy.loseNextReply(),
  cut: async () => proxy.cut(),
  loseThree: async () => {
    for (let i = 0; i < 3; i++) {
      proxy.loseNextReply();
      await sleep(120);
    }
  },
  kill: async (random) => {
    await redis.kill();
    await sleep(random() * 200);
    await redis.restart();
    // Until its file is written anew, another kill could meet a half transaction in it.
    await withAdmin((admin) => admin.bgrewriteaof());
    const renewed = /aof_last_rewrite_time_sec:\d/;
    await eventually(async () => renewed.test(await host.link.read.info('persistence')));
  },
  flushScripts: async () => withAdmin((link) => link.script('FLUSH')),
  full: async () =>
    withAdmin(async (admin) => {
      await admin.config('SET', 'maxmemory', '1mb');
      await sleep(60);
      await admin.config('SET', 'maxmemory', '0');
    }),
  freeze: async (random) => {
    await redis.pause();
    await sleep(random() * 300);
    await redis.resume();
  },
  busy: async () =>
    withAdmin(async (admin) => {
      await admin.config('SET', 'lua-time-limit', '10');
      const until =
        "local t=redis.call('TIME') local e=t[1]*1000+t[2]/1000+150 repeat " +
        "local n=redis.call('TIME') until n[1]*1000+n[2]/1000>e";
      await admin.eval(until, 0);
    }),
  readOnly: async () =>
    withAdmin(async (admin) => {
      await admin.config('SET', 'min-replicas-to-write', '1');
      await sleep(60);
      await admin.config('SET', 'min-replicas-to-write', '0');
    }),
  killClients: async () => withAdmin((admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'normal')),
};

async function withAdmin(run: (admin: import('ioredis').Redis) => Promise<unknown>): Promise<void> {
  const { Redis } = await import('ioredis');
  const admin = new Redis(redis.adminUrl, { maxRetriesPerRequest: 20 });
  admin.on('error', () => {});
  try {
    await run(admin);
  } finally {
    admin.disconnect();
  }
}

const keysOf = (partition: number) => {
  const { id } = host.catalog.byName(topic)!;
  return partitionKeys(host.keyPrefix, { topic, topicId: id, partition });
};

/** Of which some batches go past Lua, some do not, and some change from one to the other. */
const mixedBytes = (n: number): number => (n % 3 === 0 ? 30_000 : 20);

function plansFor(partition: number): ProducerPlan[] {
  const common = {
    topic,
    partition,
    acks: 1 as const,
    batches: faultsMax * 30,
    recordsPerBatch: 3,
  };
  return [
    { ...common, name: `mixed${partition}`, idempotent: true, valueBytes: mixedBytes },
    { ...common, name: `large${partition}`, idempotent: true, valueBytes: () => 25_000 },
    { ...common, name: `small${partition}`, idempotent: true, valueBytes: () => 5 },
    { ...common, name: `plain${partition}`, idempotent: false, valueBytes: mixedBytes },
  ];
}

/** What of a producer's records is not as it was told, in words. */
function problemsOf({ plan, acknowledged }: StubbornProducer, log: readonly Seen[]): string[] {
  const problems: string[] = [];
  const keyAt = new Map(log.map(({ offset, key }) => [offset, key]));
  for (const { baseOffset, values } of acknowledged) {
    for (const [i, value] of values.entries()) {
      const found = keyAt.get(baseOffset + i);
      if (found !== value) problems.push(`${value} is not at ${baseOffset + i}, but ${found}`);
    }
  }
  if (!plan.idempotent) return problems;
  const told = acknowledged.flatMap(({ values }) => values);
  const own = log.map(({ key }) => key).filter((key) => key.startsWith(`${plan.name}/`));
  const wrong = own.findIndex((key, i) => key !== told[i]);
  if (wrong !== -1) problems.push(`${own[wrong]} comes where ${told[wrong]} should`);
  if (own.length !== told.length) problems.push(`${own.length} of ${told.length} records`);
  return problems;
}

async function makeTrouble(): Promise<string[]> {
  const random = generator(seed);
  const names = Object.keys(faults);
  const made: string[] = [];
  for (let n = 0; n < faultsMax; n++) {
    await sleep(50 + random() * 150);
    const name = names[Math.floor(random() * names.length)]!;
    made.push(name);
    await faults[name]!(random);
  }
  return made;
}

it(`keeps what it acknowledged through ${faultsMax} faults (seed ${seed})`, async () => {
  const producers = [0, 1].flatMap((partition) =>
    plansFor(partition).map((plan) => new StubbornProducer(host.port, plan)),
  );
  const followers = [0, 1].flatMap((partition) =>
    [1_000_000, 60_000].map((bytesMax) => new Follower(host.port, partition, bytesMax)),
  );
  const following = followers.map((follower) => follower.run());
  for (const one of following) one.catch(() => {});
  await Promise.all([makeTrouble(), ...producers.map((one) => one.run())]);
  for (const partition of [0, 1]) {
    const keys = keysOf(partition);
    const end = await eventually(() => host.link.read.hget(keys.meta, 'next'));
    const last = new Follower(host.port, partition, 10_000_000);
    last.stopAt(Number(end));
    await last.run();
    expect(await checkPartition(host.link.read, keys)).toEqual([]);
    const own = producers.filter(({ plan }) => plan.partition === partition);
    expect(own.flatMap((one) => problemsOf(one, last.seen))).toEqual([]);
    for (const [i, one] of followers.entries()) {
      if (one.partition !== partition) continue;
      one.stopAt(Number(end));
      await following[i];
      expect(one.seen).toEqual(last.seen);
    }
  }
}, 600_000);
