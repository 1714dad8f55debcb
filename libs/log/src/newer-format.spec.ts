import type { RedisLink } from '@sluice/redis';
import { batchAt, batchOf } from '@sluice/test/support/batches';
import { adminOf, connectLink, sharedRedis } from '@sluice/test/support/redis';
import { AppendCalls } from '../test/append-calls';
import { partitionKeys, type PartitionRef } from './keys';
import { partitionLimits } from './partition-limits';
import { PartitionStore } from './partition-store';
import { recoverScript } from './scripts';

const ref: PartitionRef = { topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition: 0 };

let redis: RedisLink;
let store: PartitionStore;

beforeEach(async () => {
  redis = await connectLink(await sharedRedis());
  const limits = { ...partitionLimits, settleQuietMs: -1, producerBelowStartUnusedMs: -1 };
  store = new PartitionStore(redis, { limits });
  await store.initPartition(ref);
  await new AppendCalls(redis).append(ref, -1, [
    batchOf({ id: 1, sequence: 0 }),
    batchAt(1),
    batchAt(2),
  ]);
});
afterEach(() => redis.close());
afterAll(async () => (await sharedRedis()).stop());

const keys = () => partitionKeys(redis.keyPrefix, ref);

async function stored() {
  const { meta, producers, log, spans } = keys();
  return {
    meta: await redis.read.hgetall(meta),
    producers: await redis.read.hgetallBuffer(producers),
    log: await redis.read.xrangeBuffer(log, '-', '+'),
    spans: await redis.read.xrange(spans, '-', '+'),
  };
}

/** What else than appending, trimming and recovering changes a partition. */
const changes: Record<string, () => Promise<unknown>> = {
  deleteRecords: () => store.deleteRecords(ref, 2),
  expireProducers: () => store.expireProducers(ref, -0.5),
  settle: () => store.settle(ref),
  findMissing: () => store.findMissing(ref),
};

describe('a partition in the form of a newer version', () => {
  it.each(Object.keys(changes))('is left alone by %s', async (name) => {
    const [entry] = await redis.read.xrange(keys().log, '1', '1');
    await (await adminOf(await sharedRedis())).xdel(keys().log, entry![0]);
    await redis.write.hset(keys().meta, 'format', '2');
    const before = await stored();
    await expect(changes[name]!()).rejects.toMatchObject({ reason: 'newer-format' });
    expect(await stored()).toEqual(before);
  });

  it('keeps its producers also where only their form is newer', async () => {
    await redis.write.hset(keys().producers, 'format', '2');
    const before = await stored();
    await expect(store.expireProducers(ref, 0)).rejects.toMatchObject({ reason: 'newer-format' });
    expect(await stored()).toEqual(before);
  });
});

describe('a partition of a version that knew of no spans', () => {
  beforeEach(async () => {
    await redis.write.unlink(keys().spans);
    await redis.write.hdel(keys().meta, 'span');
  });

  it('has the stream for them after the next append', async () => {
    await new AppendCalls(redis).append(ref, -1, [batchAt(3)]);
    expect(await redis.read.exists(keys().spans)).toBe(1);
  });

  it('has it after it was recovered', async () => {
    const reservation = '3000 4194304 8192';
    const args = { target: 7, history: 'h', reservation, epochsMax: 3, wake: keys().wake };
    await recoverScript.call(redis.write, keys(), args);
    expect(await redis.read.exists(keys().spans)).toBe(1);
  });
});
