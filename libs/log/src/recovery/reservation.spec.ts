import { checkPartition } from '@sluice/test/models/partition-check';
import { appendBatch, batchAt, recordsAt } from '@sluice/test/support/batches';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import { decodeBatch } from '@sluice/records';
import type { RedisLink } from '@sluice/redis';
import { AppendCalls } from '../../test/append-calls';
import { partitionKeys } from '../keys';
import { partitionLimits } from '../partition-limits';
import { PartitionStore } from '../partition-store';
import { recoverScript, settleScript } from '../scripts';

const lossMsMax = 300;
const limits = { ...partitionLimits, lossMsMax, reservedOffsetsFirst: 10, reservedOffsetsMin: 4 };
const reservation = '300 10 4';
let redis: RedisLink;
let partition = 0;

beforeAll(async () => {
  redis = await connectLink(await sharedRedis());
});
afterAll(async () => (await sharedRedis()).stop());

async function newPartition() {
  const ref = { topic: 'orders', topicId: 'id', partition: partition++ };
  const store = new PartitionStore(redis, { limits });
  await store.initPartition(ref);
  const keys = partitionKeys(redis.keyPrefix, ref);
  const appends = new AppendCalls(redis, limits, reservation);
  const append = async (records: number) => {
    const batch = appendBatch({ records: recordsAt(...Array.from({ length: records }, () => 5)) });
    const reply = await appends.append(ref, -1, [batch]);
    return 'refused' in reply ? reply.refused : reply.logEndOffset;
  };
  const meta = async (field: string) => Number(await redis.read.hget(keys.meta, field));
  const recover = (target: number | 'reserved', history = 'h1') =>
    recoverScript.call(redis.write, keys, {
      target,
      history,
      reservation,
      epochsMax: 3,
      wake: keys.wake,
    });
  return { ref, store, keys, append, meta, recover };
}

describe('the reservation of offsets', () => {
  it('is always ahead of the log end, and of what may be given out', async () => {
    const { append, meta } = await newPartition();
    expect([await meta('usable'), await meta('reserved')]).toEqual([10, 20]);
    for (let end = 1; end <= 60; end++) {
      expect(await append(1)).toBe(end);
      expect(await meta('usable')).toBeGreaterThanOrEqual(end);
      expect(await meta('reserved')).toBeGreaterThan(await meta('usable'));
    }
  });

  it('lets nothing be given out beyond what has been stored for long enough', async () => {
    const { append, meta } = await newPartition();
    await append(10);
    const before = performance.now();
    // Crosses into the second half, which has to be old enough, and then beyond it.
    expect(await append(25)).toBe(35);
    expect(performance.now() - before).toBeGreaterThan(lossMsMax / 2);
    expect(await meta('usable')).toBeGreaterThanOrEqual(35);
  });

  it('keeps fewer offsets free where few are needed, and never what was given out', async () => {
    const { append, meta, keys } = await newPartition();
    await append(3);
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      await settleScript.call(redis.write, keys, { reservation, quietMs: 0 });
    }
    expect([await meta('usable'), await meta('reserved')]).toEqual([7, 11]);
    expect(await append(4)).toBe(7);
  });
});

describe('log/recover', () => {
  it('goes on where offsets were reserved, behind a batch that fills the gap', async () => {
    const { append, meta, keys, recover, store, ref } = await newPartition();
    await append(3);
    expect(await recover('reserved')).toEqual({ tag: 'moved', logEnd: 20, epoch: 1, from: 3 });
    expect(await checkPartition(redis.read, keys)).toEqual([]);
    expect(await append(2)).toBe(22);
    const bounds = (await store.bounds(ref))!;
    expect(bounds).toMatchObject({ logEndOffset: 22, leaderEpoch: 1, batches: 3 });
    expect([19, 20].map((offset) => bounds.leaderEpochs.at(offset))).toEqual([0, 1]);
    const filler = (await store.read(ref, 7, { entries: 1 }))[0]!;
    expect([filler.baseOffset, filler.lastOffset]).toEqual([3, 19]);
    expect(decodeBatch(filler.bytes)).toHaveLength(1);
    expect(await store.firstAtOrAfter(ref, 5)).toEqual({ offset: 0, timestampMs: 5 });
    await store.deleteRecords(ref, 10);
    expect(await store.firstAtOrAfter(ref, 5)).toEqual({ offset: 20, timestampMs: 5 });
    expect(await store.maxTimestamp(ref)).toEqual({ offset: 20, timestampMs: 5 });
    expect(await checkPartition(redis.read, keys)).toEqual([]);
    expect(await meta('start')).toBe(10);
  });

  it('does nothing twice, for one history and for one known end', async () => {
    const { append, recover } = await newPartition();
    await append(3);
    await recover('reserved', 'h1');
    expect(await recover('reserved', 'h1')).toMatchObject({ tag: 'same', logEnd: 20, epoch: 1 });
    expect(await recover(20)).toMatchObject({ tag: 'same' });
    expect(await recover(25)).toMatchObject({ tag: 'moved', logEnd: 25, epoch: 2 });
    expect(await recover(25)).toMatchObject({ tag: 'same', logEnd: 25 });
    expect(await recover('reserved', 'h2')).toMatchObject({ tag: 'moved', epoch: 3 });
  });

  it('remembers so many epochs, and none whose records are gone', async () => {
    const { append, recover, meta, keys, store, ref } = await newPartition();
    await append(5);
    for (const target of [10, 20, 30, 40]) await recover(target);
    expect(await redis.read.hget(keys.meta, 'epochs')).toBe('2 20 3 30 4 40');
    await store.deleteRecords(ref, 35);
    await recover(50);
    expect(await redis.read.hget(keys.meta, 'epochs')).toBe('3 30 4 40 5 50');
    expect(await meta('epoch')).toBe(5);
  });

  it('makes true what the meta hash says of the stream', async () => {
    const { append, recover, keys } = await newPartition();
    await append(3);
    const torn = batchAt(9, 9);
    await redis.write.xadd(keys.log, '4-9', 'b', torn.bytes);
    expect(await recover('reserved')).toMatchObject({ tag: 'moved', from: 5 });
    expect(await checkPartition(redis.read, keys)).toEqual([]);
  });

  it('brings a stream back that was left under its other name', async () => {
    const { append, recover, keys, store, ref } = await newPartition();
    await append(3);
    await redis.write.rename(keys.log, keys.open);
    expect(await recover(3)).toMatchObject({ tag: 'moved', logEnd: 3 });
    expect(await store.read(ref, 0, { entries: 9 })).toHaveLength(1);
    expect(await checkPartition(redis.read, keys)).toEqual([]);
  });

  it('leaves alone what a newer version has stored', async () => {
    const { append, recover, keys, store, ref } = await newPartition();
    await redis.write.hset(keys.meta, 'format', '2');
    expect(await recover('reserved')).toEqual({ tag: 'newer-format' });
    await expect(append(1)).rejects.toThrow(keys.meta);
    await expect(store.bounds(ref)).rejects.toMatchObject({ reason: 'newer-format' });
    expect(await redis.read.xlen(keys.log)).toBe(0);
  });
});
