import { batchSizeAt, decodeBatch, isControl, readBatchHeader } from '@sluice/records';
import { CreateTopics, ErrorCode, Fetch } from '@sluice/wire';
import { startBroker, type TestBroker } from './broker';
import { eventually } from './eventually';
import { RawClient } from './raw-client';
import type { TestRedis } from './redis';
import { StubbornProducer } from './stubborn-producer';

const topic = 'orders';

/** A Redis that consists of several servers, as a gateway of a test finds it. */
export function redisAt(url: string): TestRedis {
  const beforeStop = new Set<() => Promise<void>>();
  return { url, adminUrl: url, beforeStop } as unknown as TestRedis;
}

/** How the load is to be. */
export interface LoadOptions {
  partitions: number;
  /** Copies that `acks=all` asks for, with the primary's. */
  inSync: number;
  batches: number;
}

/**
 * Producers that write through one gateway while its Redis fails over: an idempotent one a
 * partition, which sends what was not acknowledged again.
 */
export class FailoverLoad {
  readonly producers: readonly StubbornProducer[];
  #running: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly gateway: TestBroker,
    private readonly options: LoadOptions,
  ) {
    const { partitions, batches } = options;
    this.producers = Array.from({ length: partitions }, (_, partition) => {
      const name = `p${partition}`;
      const plan = { name, topic, partition, idempotent: true, acks: -1, batches } as const;
      return new StubbornProducer(gateway.port, { ...plan, valueBytes, recordsPerBatch: 2 });
    });
  }

  /** Starts a gateway and makes the topic. */
  static async on(redis: TestRedis, options: LoadOptions): Promise<FailoverLoad> {
    const gateway = await startBroker({ redis, hotBytesMax: 256 * 1024 });
    const client = await RawClient.connect(gateway.port);
    const configs = [{ name: 'min.insync.replicas', value: String(options.inSync) }];
    const wanted = { name: topic, numPartitions: options.partitions, replicationFactor: -1 };
    const topics = [{ ...wanted, configs }];
    await eventually(async () => {
      const reply = await client.send(CreateTopics, 7, { topics });
      return reply.topics[0]!.errorCode === ErrorCode.NONE;
    });
    await client.close();
    return new FailoverLoad(gateway, options);
  }

  /** Everybody begins to write. */
  begin(): void {
    this.#running = Promise.all(this.producers.map((producer) => producer.run()));
    this.#running.catch(() => undefined);
  }

  get acknowledged(): number {
    return this.producers.reduce((sum, one) => sum + one.acknowledged.length, 0);
  }

  /** Resolves when every producer has got on since. */
  async progress(): Promise<void> {
    const { batches } = this.options;
    const before = this.producers.map((one) => one.acknowledged.length);
    await eventually(
      () =>
        this.producers.every((one, n) => {
          const count = one.acknowledged.length;
          return count > before[n]! + 2 || count === batches;
        }),
      { what: 'that all producers get on', timeoutMs: 60_000 },
    );
  }

  /** Waits for the end, and reads all: what was acknowledged is where it was said, and once. */
  async check(port = this.gateway.port): Promise<void> {
    await this.#running;
    for (const [partition, producer] of this.producers.entries()) {
      const read = await readAll(port, partition);
      for (const { baseOffset, values } of producer.acknowledged) {
        for (const [n, value] of values.entries()) {
          const found = read.get(baseOffset + n);
          if (found !== value) {
            throw new Error(`${partition}/${baseOffset + n} was ${value} and is ${found}`);
          }
        }
      }
      const all = [...read.values()];
      if (new Set(all).size !== all.length)
        throw new Error(`${partition}: a record is there twice`);
    }
  }
}

/** Small batches go through Lua, large ones past it. */
function valueBytes(n: number): number {
  return n % 5 === 0 ? 40_000 : 100;
}

/** The key of the record at each offset. */
async function readAll(port: number, partition: number): Promise<Map<number, string>> {
  const read = new Map<number, string>();
  const client = await RawClient.connect(port);
  for (let next = 0; ;) {
    const bytes = await eventually(() => fetch(client, partition, next));
    if (bytes.length === 0) break;
    for (let at = 0; at < bytes.length;) {
      const batch = bytes.subarray(at, at + batchSizeAt(bytes, at));
      const { attributes, baseOffset, lastOffsetDelta } = readBatchHeader(batch);
      if (baseOffset > next) throw new Error(`a hole in ${partition}: ${next} to ${baseOffset}`);
      next = baseOffset + lastOffsetDelta + 1;
      at += batch.length;
      if (isControl(attributes)) continue;
      for (const record of decodeBatch(batch)) read.set(record.offset, record.key!.toString());
    }
  }
  await client.close();
  return read;
}

async function fetch(client: RawClient, partition: number, fetchOffset: number): Promise<Buffer> {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1024 * 1024 }];
  const topics = [{ topic, partitions }];
  const asked = { maxWaitMs: 100, minBytes: 1, maxBytes: 1024 * 1024, topics };
  const reply = await client.send(Fetch, 11, asked);
  const { errorCode, records } = reply.responses[0]!.partitions[0]!;
  if (errorCode !== ErrorCode.NONE) throw new Error(`fetch from ${fetchOffset}: ${errorCode}`);
  return Buffer.concat([records ?? []].flat());
}
