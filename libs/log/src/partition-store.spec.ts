import type { RedisLink } from '@sluice/redis';
import { checkPartition } from '@sluice/test/models/partition-check';
import { appendBatch, batchAt, batchOf, recordsAt } from '@sluice/test/support/batches';
import { connectLink, sharedRedis, startRedis } from '@sluice/test/support/redis';
import { partitionKeys, type PartitionRef } from './keys';
import { partitionLimits } from './partition-limits';
import { PartitionStore } from './partition-store';
import { LeaderEpochs } from './recovery/epochs';
import type { TrimRule } from './trim';
import { AppendCalls } from '../test/append-calls';
import { trimWhole } from '../test/trim-whole';

const ref: PartitionRef = { topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition: 0 };
const missing: PartitionRef = { ...ref, partition: 99 };

let redis: RedisLink;
let store: PartitionStore;
let appends: AppendCalls;

beforeEach(async () => {
  redis = await connectLink(await sharedRedis());
  store = new PartitionStore(redis);
  appends = new AppendCalls(redis);
  await store.initPartition(ref);
});

afterEach(async () => {
  expect(await checkPartition(redis.read, keys())).toEqual([]);
  await redis.close();
});

afterAll(async () => {
  await (await sharedRedis()).stop();
});

const keepAll: TrimRule = { retentionMs: -1, retentionBytes: -1, nowMs: Date.now() };

const keys = () => partitionKeys(redis.keyPrefix, ref);
const offsetsOf = (batches: { baseOffset: number; lastOffset: number }[]) =>
  batches.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset]);

/** Appends batches with these timestamps, one batch a list. */
async function fill(...batches: number[][]): Promise<void> {
  await appends.append(
    ref,
    -1,
    batches.map((timestampsMs) => batchAt(...timestampsMs)),
  );
}

describe('partitions', () => {
  it('are empty when made, and are made once', async () => {
    expect(await store.bounds(ref)).toEqual({
      logStartOffset: 0,
      logEndOffset: 0,
      highWatermark: 0,
      lastStableOffset: 0,
      bytes: 0,
      batches: 0,
      largestBatchBytes: 0,
      maxTimestampMs: -1,
      leaderEpoch: 0,
      leaderEpochs: LeaderEpochs.first,
    });
    await fill([1, 2]);
    await store.initPartition(ref);
    expect(await store.bounds(ref)).toMatchObject({ logEndOffset: 2 });
  });

  it('leave nothing behind when dropped', async () => {
    await appends.append(ref, -1, [batchOf({ id: 1, sequence: 0 })]);
    await store.dropPartitions([ref, missing]);
    expect(await redis.read.keys(`${redis.keyPrefix}*`)).toEqual([]);
    expect(await store.bounds(ref)).toBeNull();
    await store.initPartition(ref);
  });

  it('leave nothing behind when dropped in the middle of an append past Lua', async () => {
    await appends.append(ref, -1, [batchAt(1)]);
    const { log, open } = partitionKeys(redis.keyPrefix, ref);
    // As that append does it, and as it stays where Redis is killed before its end.
    await redis.write.renamenx(log, open);
    expect(await redis.read.exists(open)).toBe(1);
    await store.dropPartitions([ref]);
    expect(await redis.read.keys(`${redis.keyPrefix}*`)).toEqual([]);
    await store.initPartition(ref);
  });

  it('are null, empty or refused where they do not exist', async () => {
    expect(await store.boundsMany([missing, ref])).toMatchObject([null, { logEndOffset: 0 }]);
    expect(await store.read(missing, 0, { entries: 1 })).toEqual([]);
    expect(await store.firstAtOrAfter(missing, 0)).toBeNull();
    expect(await store.maxTimestamp(missing)).toBeNull();
    expect(await store.deleteRecords(missing, 0)).toEqual({ refused: 'unknown-partition' });
    expect(await store.trimStep(missing, { ...keepAll, retentionMs: 5 })).toBeNull();
    expect(await store.mayBeTrimmed([missing], { ...keepAll, retentionMs: 5 })).toEqual([]);
    expect(await store.expireProducers(missing, 5)).toBe(0);
  });
});

describe('read', () => {
  it('begins with the batch that holds the offset, in its middle too', async () => {
    await fill([1, 2, 3], [4], [5, 6]);
    expect(offsetsOf(await store.read(ref, 0, { entries: 10 }))).toEqual([
      [0, 2],
      [3, 3],
      [4, 5],
    ]);
    expect(offsetsOf(await store.read(ref, 1, { entries: 2 }))).toEqual([
      [0, 2],
      [3, 3],
    ]);
    expect(offsetsOf(await store.read(ref, 5, { entries: 10 }))).toEqual([[4, 5]]);
    expect(await store.read(ref, 6, { entries: 10 })).toEqual([]);
  });

  it('gives nothing from below the log start, though the batch may still be there', async () => {
    await fill([1, 2, 3], [4]);
    await store.deleteRecords(ref, 2);
    expect(await store.read(ref, 1, { entries: 10 })).toEqual([]);
    expect(offsetsOf(await store.read(ref, 2, { entries: 10 }))).toEqual([
      [0, 2],
      [3, 3],
    ]);
  });
});

describe('readLent', () => {
  it('gives the same as read, and holds on to nothing', async () => {
    for (const size of [1, 900, 1_000, 70_000, 5, 300_000, 2_000_000, 16]) {
      const value = Buffer.alloc(size, 'x');
      await appends.append(ref, -1, [appendBatch({ records: [{ value, timestampMs: 1 }] })]);
    }
    await store.deleteRecords(ref, 1);
    const leaderEpochs = LeaderEpochs.parse('3 0');
    for (const [fromOffset, entries] of [
      [1, 20],
      [3, 2],
      [6, 1],
      [0, 20],
      [8, 1],
    ] as const) {
      const plain = await store.read(ref, fromOffset, { entries, leaderEpochs });
      const lent = await store.readLent(ref, fromOffset, { entries, leaderEpochs });
      expect(offsetsOf(lent)).toEqual(offsetsOf(plain));
      expect(lent.every(({ bytes }, at) => bytes.equals(plain[at]!.bytes))).toBe(true);
      for (const one of lent) one.release();
      expect(redis.lent.unclaimed).toBe(0);
    }
  });
});

describe('firstAtOrAfter', () => {
  it('finds the first record in offset order, inside a batch too', async () => {
    await fill([10, 30, 20], [25], [40, 50]);
    expect(await store.firstAtOrAfter(ref, 0)).toEqual({ offset: 0, timestampMs: 10 });
    expect(await store.firstAtOrAfter(ref, 15)).toEqual({ offset: 1, timestampMs: 30 });
    expect(await store.firstAtOrAfter(ref, 30)).toEqual({ offset: 1, timestampMs: 30 });
    expect(await store.firstAtOrAfter(ref, 31)).toEqual({ offset: 4, timestampMs: 40 });
    expect(await store.firstAtOrAfter(ref, 51)).toBeNull();
  });

  it('looks into compressed batches', async () => {
    const compressions = ['gzip', 'snappy', 'lz4', 'zstd'] as const;
    for (const [i, compression] of compressions.entries()) {
      const records = recordsAt(100 * i + 1, 100 * i + 2, 100 * i + 3);
      await appends.append(ref, -1, [appendBatch({ records, compression })]);
    }
    expect(await store.firstAtOrAfter(ref, 202)).toEqual({ offset: 7, timestampMs: 202 });
  });

  it('skips what lies below the log start, in the same batch too', async () => {
    const late = Array.from({ length: 150 }, () => [5]);
    await fill([10, 90, 20], ...late, [80, 70]);
    await store.deleteRecords(ref, 2);
    expect(await store.firstAtOrAfter(ref, 15)).toEqual({ offset: 2, timestampMs: 20 });
    expect(await store.firstAtOrAfter(ref, 60)).toEqual({ offset: 153, timestampMs: 80 });
    expect(await store.firstAtOrAfter(ref, 85)).toBeNull();
  });

  it('is not misled by a batch that has no time', async () => {
    await fill([-1], [-1, -1], [0], [1]);
    expect(await store.firstAtOrAfter(ref, 0)).toEqual({ offset: 3, timestampMs: 0 });
    expect(await store.firstAtOrAfter(ref, 1)).toEqual({ offset: 4, timestampMs: 1 });
  });

  it('finds its way in a long log', async () => {
    const batches = Array.from({ length: 1_500 }, (_, i) => [10 * i, 10 * i + 1]);
    await fill(...batches.slice(0, 750));
    await fill(...batches.slice(750));
    for (const i of [0, 1, 749, 1_498, 1_499]) {
      expect(await store.firstAtOrAfter(ref, 10 * i + 1)).toMatchObject({ offset: 2 * i + 1 });
      expect(await store.firstAtOrAfter(ref, 10 * i - 3)).toMatchObject({ offset: 2 * i });
    }
  });
});

describe('maxTimestamp', () => {
  it('is the first record with the largest timestamp', async () => {
    expect(await store.maxTimestamp(ref)).toBeNull();
    await fill([10, 30, 20], [30], [5]);
    expect(await store.maxTimestamp(ref)).toEqual({ offset: 1, timestampMs: 30 });
  });

  it('is found in what is left when the largest was deleted', async () => {
    const late = Array.from({ length: 150 }, (_, i) => [i]);
    await fill([10, 990, 200], ...late, [180, 170]);
    await store.deleteRecords(ref, 2);
    expect(await store.maxTimestamp(ref)).toEqual({ offset: 2, timestampMs: 200 });
    await store.deleteRecords(ref, 3);
    expect(await store.maxTimestamp(ref)).toEqual({ offset: 153, timestampMs: 180 });
    await store.deleteRecords(ref, -1);
    expect(await store.maxTimestamp(ref)).toBeNull();
  });
});

/** Makes it so long since each producer has written. */
async function setBack(seconds: number): Promise<void> {
  const values = await redis.read.hgetallBuffer(keys().producers);
  for (const [id, value] of Object.entries(values)) {
    if (id === 'format') continue;
    value.writeUInt32LE(value.readUInt32LE(2) - seconds, 2);
    await redis.write.hset(keys().producers, id, value);
  }
}

describe('deleteRecords', () => {
  it('moves the log start, never back, and frees whole batches', async () => {
    await fill([1, 2, 3], [4, 5], [6]);
    expect(await store.deleteRecords(ref, 4)).toEqual({ logStartOffset: 4 });
    expect(await store.bounds(ref)).toMatchObject({ logStartOffset: 4, batches: 2 });
    expect(await store.deleteRecords(ref, 2)).toEqual({ logStartOffset: 4 });
    expect(await store.deleteRecords(ref, 7)).toEqual({ refused: 'out-of-range' });
    expect(await store.deleteRecords(ref, -2)).toEqual({ refused: 'out-of-range' });
    expect(await store.deleteRecords(ref, -1)).toEqual({ logStartOffset: 6 });
    expect(await store.bounds(ref)).toMatchObject({ logStartOffset: 6, batches: 0, bytes: 0 });
  });

  it('goes on with the same offsets in an emptied log', async () => {
    await fill([1, 2, 3]);
    await store.deleteRecords(ref, -1);
    await fill([9]);
    expect(offsetsOf(await store.read(ref, 3, { entries: 1 }))).toEqual([[3, 3]]);
  });

  it('takes no batch twice, though the first copy of it was deleted meanwhile', async () => {
    const batch = batchOf({ id: 1, sequence: 0 }, 3);
    await appends.append(ref, -1, [batch]);
    await store.deleteRecords(ref, -1);
    expect(await appends.append(ref, -1, [batch, batchOf({ id: 1, sequence: 5 })])).toMatchObject({
      results: [
        { kind: 'duplicate', baseOffset: 0, maxTimestampMs: -1 },
        { kind: 'out-of-order', expected: 3 },
      ],
      logEndOffset: 3,
    });
  });

  it('forgets the producers whose last batch is gone for some time, and only those', async () => {
    await appends.append(ref, -1, [
      batchOf({ id: 1, sequence: 0 }),
      batchOf({ id: 2, sequence: 0 }, 2),
    ]);
    await appends.append(ref, -1, [batchAt(1)]);
    await setBack(partitionLimits.producerBelowStartUnusedMs / 1_000 + 2);
    await store.deleteRecords(ref, 2);
    expect(await redis.read.hkeys(keys().producers)).toEqual(['format', '2']);
    await store.deleteRecords(ref, 3);
    expect(await redis.read.hkeys(keys().producers)).toEqual(['format']);
    const reply = await appends.append(ref, -1, [batchOf({ id: 1, sequence: 40 })]);
    expect(reply).toMatchObject({ results: [{ kind: 'appended' }] });
  });

  it('takes many steps when there is much to free', async () => {
    const count = 3 * partitionLimits.trimReadBatchesMax + 10;
    await fill(...Array.from({ length: count }, () => [1]));
    await store.deleteRecords(ref, count - 1);
    expect(await store.bounds(ref)).toMatchObject({ logStartOffset: count - 1, batches: 1 });
  });
});

describe('expireProducers', () => {
  it('forgets those that have not written for long, over many steps', async () => {
    const count = 2 * partitionLimits.evictProducersMax;
    const batches = Array.from({ length: count }, (_, id) => batchOf({ id, sequence: 0 }));
    await appends.append(ref, -1, batches);
    expect(await store.expireProducers(ref, 60_000)).toBe(0);
    const values = await redis.read.hgetallBuffer(keys().producers);
    for (const [id, value] of Object.entries(values)) {
      if (id === 'format' || Number(id) % 2 === 0) continue;
      value.writeUInt32LE(value.readUInt32LE(2) - 61, 2);
      await redis.write.hset(keys().producers, id, value);
    }
    expect(await store.expireProducers(ref, 60_000)).toBe(count / 2);
    expect(await redis.read.hlen(keys().producers)).toBe(1 + count / 2);
  });
});

describe('those who wait', () => {
  it('are told of each change of the log start', async () => {
    const messages: string[] = [];
    const listener = (message: string) => void messages.push(message);
    const unsubscribe = await redis.subscribe(keys().wake, listener);
    await fill([10, 11], [20], [30], [40]);
    await store.deleteRecords(ref, 1);
    await store.deleteRecords(ref, 1);
    await trimWhole(store, ref, { ...keepAll, retentionMs: 0, nowMs: 25 });
    await trimWhole(store, ref, { ...keepAll, retentionBytes: 0 });
    await redis.write.publish(keys().wake, 'end');
    while (messages.at(-1) !== 'end') await new Promise((resolve) => setImmediate(resolve));
    expect(messages).toEqual(['5 0 5 0', '5 1 5 0', '5 3 5 0', '5 5 5 0', 'end']);
    await unsubscribe();
  });
});

describe('a Redis that is full', () => {
  it('refuses appends, and goes on with reads, searches and deletions', async () => {
    const full = await startRedis({ args: ['--maxmemory', '12mb'] });
    const link = await connectLink(full);
    const partitions = new PartitionStore(link);
    const calls = new AppendCalls(link);
    await partitions.initPartition(ref);
    const value = Buffer.alloc(256 * 1024, 1);
    const batch = appendBatch({ records: [{ timestampMs: 7, value }] });
    const fillUp = async (): Promise<void> => {
      for (;;) await calls.append(ref, -1, [batch]);
    };
    await expect(fillUp()).rejects.toMatchObject({ reason: 'out-of-memory' });
    const bounds = await partitions.bounds(ref);
    const { logEndOffset } = bounds!;
    expect(await partitions.read(ref, logEndOffset - 1, { entries: 1 })).toHaveLength(1);
    expect(await partitions.firstAtOrAfter(ref, 5)).toEqual({ offset: 0, timestampMs: 7 });
    expect(await partitions.expireProducers(ref, 1)).toBe(0);
    const half = { ...keepAll, retentionBytes: bounds!.bytes / 2 };
    expect((await trimWhole(partitions, ref, half))!.batches).toBeGreaterThan(0);
    expect(await partitions.deleteRecords(ref, -1)).toEqual({ logStartOffset: logEndOffset });
    expect(await calls.append(ref, -1, [batch])).toMatchObject({
      results: [{ kind: 'appended', baseOffset: logEndOffset }],
    });
    await link.close();
    await full.stop();
  });
});
