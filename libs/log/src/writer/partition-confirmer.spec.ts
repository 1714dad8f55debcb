import { silentLogger } from '@sluice/base';
import type { RedisLink, Shard } from '@sluice/redis';
import { batchAt } from '@sluice/test/support/batches';
import { eventually } from '@sluice/test/support/eventually';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import { confirmationsOf } from '../configs/confirmation';
import { partitionKeys, type PartitionRef } from '../keys';
import { partitionLimits } from '../partition-limits';
import { PartitionStore } from '../partition-store';
import { PartitionConfirmer } from './partition-confirmer';

const ref: PartitionRef = { topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition: 0 };
const { awaited, later } = confirmationsOf(2, 'none')!;

let redis: RedisLink;
let store: PartitionStore;
/** Fails that were told of. */
let failures: number;

beforeEach(async () => {
  failures = 0;
  redis = await connectLink(await sharedRedis());
  store = new PartitionStore(redis);
  await store.initPartition(ref);
  const writer = store.writer(ref, {
    replicationTimeoutMs: 500,
    log: silentLogger,
    trouble: { note() {} },
    onReply() {},
  });
  await new Promise((resolve) => writer.append(batchAt(1), later, resolve));
  expect(await highWatermark()).toBe(0);
});

afterEach(() => redis.close());

afterAll(async () => {
  await (await sharedRedis()).stop();
});

async function highWatermark(): Promise<number | undefined> {
  return (await store.bounds(ref))?.highWatermark;
}

/** One whose server seems to have no replica; its clock stands still. */
function confirmerAlone(): PartitionConfirmer {
  const { write, durable } = redis.shardOf(ref.topicId);
  const shard = { write, durable, replicaCount: () => Promise.resolve(0) } as unknown as Shard;
  return new PartitionConfirmer({
    redis: { shardOf: () => shard },
    keys: partitionKeys(redis.keyPrefix, ref),
    clock: new FakeClock(),
    limits: partitionLimits,
    replicationTimeoutMs: 500,
    asked: () => awaited,
    highWatermark: () => 0,
    onConfirmed: () => {},
    trouble: { note: () => void failures++ },
  });
}

/** One that has just failed to have more confirmed than what it knows of now. */
async function confirmerAfterFailure(): Promise<PartitionConfirmer> {
  const confirmer = confirmerAlone();
  confirmer.want();
  await eventually(() => failures === 1);
  confirmer.confirmed(1);
  return confirmer;
}

describe('who confirms a partition', () => {
  it('tells what is confirmed, although other records were not a moment before', async () => {
    const confirmer = await confirmerAfterFailure();
    confirmer.tell();
    await eventually(async () => (await highWatermark()) === 1);
    confirmer.close();
  });

  it('tells it when it ends, too', async () => {
    const confirmer = await confirmerAfterFailure();
    confirmer.close();
    await eventually(async () => (await highWatermark()) === 1);
    expect(failures).toBe(1);
  });

  it('keeps nobody waiting for what cannot be confirmed now', async () => {
    const confirmer = confirmerAlone();
    await confirmer.settle(1);
    await confirmer.settle(1);
    expect([failures, confirmer.upTo, await highWatermark()]).toEqual([1, -1, 0]);
    confirmer.close();
    await confirmer.settle(1);
  });
});
