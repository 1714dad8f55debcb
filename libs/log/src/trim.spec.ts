import type { RedisLink } from '@sluice/redis';
import { checkPartition } from '@sluice/test/models/partition-check';
import { appendBatch, batchAt } from '@sluice/test/support/batches';
import { adminOf, connectLink, sharedRedis } from '@sluice/test/support/redis';
import { AppendCalls } from '../test/append-calls';
import { trimWhole } from '../test/trim-whole';
import { partitionKeys, type PartitionRef } from './keys';
import { partitionLimits } from './partition-limits';
import { PartitionStore } from './partition-store';
import { recoverScript } from './scripts';
import type { TrimRule } from './trim';

const ref: PartitionRef = { topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition: 0 };
const keepAll: TrimRule = { retentionMs: -1, retentionBytes: -1, nowMs: Date.now() };
const minuteMs = 60_000;
const dayMs = 86_400_000;
const KiB = 1024;

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

const keys = () => partitionKeys(redis.keyPrefix, ref);
const startOf = async () => (await store.bounds(ref))!.logStartOffset;

/** Appends batches with these timestamps, one batch a list. */
async function fill(...batches: number[][]): Promise<void> {
  const made = batches.map((timestampsMs) => batchAt(...timestampsMs));
  await appends.append(ref, -1, made);
}

/** Appends batches of one record of this size, a call each. */
async function fillLarge(bytes: number, timestampsMs: readonly number[]): Promise<void> {
  for (const timestampMs of timestampsMs) {
    const value = Buffer.alloc(bytes, 'x');
    await appends.append(ref, -1, [appendBatch({ records: [{ timestampMs, value }] })]);
  }
}

/** Where the spans end, with the largest timestamp in each; null where that cannot be told. */
async function spans(): Promise<[lastOffset: number, largestMs: number | null][]> {
  const entries = await redis.read.xrange(keys().spans, '-', '+');
  return entries.map(([id, [, value]]) => {
    const largest = Number(value!.split(' ')[2]);
    return [Number(id.split('-')[0]), largest === Number.MAX_SAFE_INTEGER ? null : largest];
  });
}

const trimToTime = (olderThanMs: number) =>
  trimWhole(store, ref, { ...keepAll, retentionMs: 0, nowMs: olderThanMs });
const trimToSize = (bytes: number) => trimWhole(store, ref, { ...keepAll, retentionBytes: bytes });

/** It was so long ago that somebody saw how far the log reached. */
async function seenBefore(ms: number): Promise<void> {
  const [end, atMs] = (await redis.read.hget(keys().meta, 'seen'))!.split(' ').map(Number);
  await redis.write.hset(keys().meta, 'seen', `${end} ${atMs! - ms}`);
}
const trimNow = (retentionMs: number) =>
  trimWhole(store, ref, { ...keepAll, retentionMs, nowMs: Date.now() });

/** Offsets are left out, as after a loss. */
async function jump(): Promise<number> {
  const args = { target: 'reserved', history: 'another', epochsMax: 64, wake: keys().wake };
  const reservation = '3000 1000 10';
  const jumped = await recoverScript.call(redis.write, keys(), { ...args, reservation });
  return 'logEnd' in jumped ? jumped.logEnd : NaN;
}

/** How often a command ran, in scripts too. */
async function callsOf(name: string): Promise<number> {
  const stats = await redis.read.info('commandstats');
  return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

const mayBe = async (one: TrimRule) => (await store.mayBeTrimmed([ref], one)).length === 1;

describe('a trim by age', () => {
  it('keeps the first batch that has a record young enough, and all behind it', async () => {
    await fill([10], [20, 55, 30], [15], [60]);
    const bytes = batchAt(1).bytes.length;
    expect(await trimToTime(50)).toEqual({ logStartOffset: 1, batches: 1, bytes });
    expect(await trimToTime(50)).toEqual({ logStartOffset: 1, batches: 0, bytes: 0 });
    expect(await trimToTime(56)).toMatchObject({ logStartOffset: 5, batches: 2 });
    expect(await trimToTime(61)).toMatchObject({ logStartOffset: 6, batches: 1 });
  });

  it('goes by the times of the records that are there, not of deleted ones', async () => {
    await fill([90], [10], [20]);
    await store.deleteRecords(ref, 1);
    expect(await trimToTime(15)).toMatchObject({ logStartOffset: 2, batches: 1 });
  });

  it('keeps what is behind a record of the far future for as long as that one', async () => {
    const future = Date.now() + 300 * dayMs;
    await fill([future], [10], [20], [30]);
    expect(await trimToTime(Date.now())).toMatchObject({ batches: 0 });
    await store.deleteRecords(ref, 1);
    // The ids of the stream have that time to this day.
    expect(await trimToTime(25)).toMatchObject({ logStartOffset: 3, batches: 2 });
  });

  it('drops records of the far past as soon as they come first', async () => {
    await fill([1_000], [0], [2_000], [5]);
    expect(await trimToTime(1_500)).toMatchObject({ logStartOffset: 2 });
    expect(await trimToTime(2_500)).toMatchObject({ logStartOffset: 4 });
  });

  it('takes what is old by the clock of the caller and by that of Redis', async () => {
    const now = Date.now();
    await fill([now - 30 * minuteMs], [now]);
    const rule = { ...keepAll, retentionMs: 40 * minuteMs };
    // Somebody's clock has jumped ahead by an hour.
    expect(await trimWhole(store, ref, { ...rule, nowMs: now + 60 * minuteMs })).toMatchObject({
      batches: 0,
    });
    expect(
      await trimWhole(store, ref, { ...rule, retentionMs: 20 * minuteMs, nowMs: now }),
    ).toMatchObject({ batches: 1 });
  });
});

describe('a batch whose records have no time', () => {
  it('is as old as the moment at which it was seen to be there', async () => {
    await fill([-1], [-1, -1]);
    expect(await trimNow(10 * minuteMs)).toMatchObject({ batches: 0 });
    await seenBefore(9 * minuteMs);
    await fill([-1]);
    expect(await trimNow(10 * minuteMs)).toMatchObject({ batches: 0 });
    await seenBefore(2 * minuteMs);
    expect(await trimNow(10 * minuteMs)).toMatchObject({ logStartOffset: 3, batches: 2 });
    await seenBefore(11 * minuteMs);
    expect(await trimNow(10 * minuteMs)).toMatchObject({ logStartOffset: 4, batches: 1 });
  });

  it('is not taken for as old as what came before it', async () => {
    await fill([1_000], [-1], [2_000]);
    expect(await trimNow(dayMs)).toMatchObject({ logStartOffset: 1, batches: 1 });
  });

  it('goes though the clock was wrong by a year when it was seen', async () => {
    await fill([-1]);
    await trimNow(minuteMs);
    await seenBefore(-365 * dayMs);
    await trimNow(minuteMs);
    await seenBefore(2 * minuteMs);
    expect(await trimNow(minuteMs)).toMatchObject({ batches: 1 });
  });
});

describe('what fills the offsets that a loss has left out', () => {
  it('goes with what comes behind it, whatever came before it', async () => {
    await fill([10], [Date.now() + 300 * dayMs]);
    const logEnd = await jump();
    await fill([20], [30]);
    await store.deleteRecords(ref, 2);
    expect(await trimToTime(15)).toMatchObject({ logStartOffset: 2 });
    expect(await mayBe({ ...keepAll, retentionMs: 0, nowMs: 15 })).toBe(false);
    expect(await mayBe({ ...keepAll, retentionMs: 0, nowMs: 25 })).toBe(true);
    expect(await trimToTime(25)).toMatchObject({ logStartOffset: logEnd + 1, batches: 2 });
  });

  // Who stands there has missed nothing yet, and is not to be told that it has.
  it('stays where nothing has come behind it', async () => {
    expect(await jump()).toBeGreaterThan(0);
    expect(await trimToTime(15)).toMatchObject({ logStartOffset: 0, batches: 0 });
    await fill([20]);
    expect(await trimToTime(15)).toMatchObject({ logStartOffset: 0, batches: 0 });
  });

  it('stays with a large batch behind it, which is a span by itself', async () => {
    expect(await jump()).toBeGreaterThan(0);
    await fillLarge(300 * KiB, [20]);
    expect(await trimToTime(15)).toMatchObject({ logStartOffset: 0, batches: 0 });
    expect(await trimToTime(25)).toMatchObject({ batches: 2 });
  });

  it('is no part of the span before it', async () => {
    await fill([10]);
    const logEnd = await jump();
    await fillLarge(300 * KiB, [20, 30]);
    expect(await trimToTime(15)).toMatchObject({ logStartOffset: 1, batches: 1 });
    expect(await trimToTime(25)).toMatchObject({ logStartOffset: logEnd + 1, batches: 2 });
    expect(await spans()).toEqual([[logEnd + 1, 30]]);
  });

  it('stays where an earlier version has made a span of it alone', async () => {
    const logEnd = await jump();
    const { bytes } = (await store.bounds(ref))!;
    await redis.write.hset(keys().meta, 'span', `${bytes} -1 -1`);
    await redis.write.xadd(keys().spans, `${logEnd - 1}-1`, 's', `${bytes} 1 -1`);
    await fillLarge(300 * KiB, [20]);
    expect(await trimToTime(15)).toMatchObject({ logStartOffset: 0, batches: 0 });
    expect(await trimToTime(25)).toMatchObject({ batches: 2 });
  });

  it('counts with what comes behind it when a log is too large', async () => {
    await fill([10]);
    const logEnd = await jump();
    await fill([20]);
    await fill([30]);
    const length = batchAt(1).bytes.length;
    expect(await trimToSize(2 * length)).toMatchObject({ logStartOffset: 1, batches: 1 });
    expect(await trimToSize(length)).toMatchObject({ logStartOffset: logEnd + 1, batches: 2 });
  });

  it('leaves the log end and the leader epochs where they are', async () => {
    await fill([10]);
    const logEnd = await jump();
    const before = await store.bounds(ref);
    expect(await trimToTime(15)).toMatchObject({ logStartOffset: 1, batches: 1 });
    const { leaderEpoch, leaderEpochs } = before!;
    expect(await store.bounds(ref)).toMatchObject({
      logStartOffset: 1,
      logEndOffset: logEnd,
      leaderEpoch,
      leaderEpochs,
    });
    await fill([20]);
    expect(await trimToTime(25)).toMatchObject({ logStartOffset: logEnd + 1, batches: 2 });
  });
});

describe('a trim by size', () => {
  it('drops batches for as long as enough is left without them', async () => {
    await fill([1], [2], [3], [4]);
    const length = batchAt(1).bytes.length;
    expect(await trimToSize(2 * length + 1)).toMatchObject({ batches: 1 });
    expect(await store.bounds(ref)).toMatchObject({ batches: 3, logStartOffset: 1 });
    expect(await trimToSize(2 * length)).toMatchObject({ batches: 1 });
    expect(await trimToSize(10 * length)).toMatchObject({ batches: 0 });
    expect(await trimToSize(0)).toMatchObject({ batches: 2, logStartOffset: 4 });
  });

  it('does the same over many spans', async () => {
    await fillLarge(
      100 * KiB,
      Array.from({ length: 40 }, () => 1),
    );
    const { bytes } = (await store.bounds(ref))!;
    const one = bytes / 40;
    expect(await trimToSize(20.5 * one)).toMatchObject({ batches: 19, logStartOffset: 19 });
    expect(await trimToSize(3 * one)).toMatchObject({ batches: 18, logStartOffset: 37 });
    expect(await trimToSize(0)).toMatchObject({ batches: 3, logStartOffset: 40 });
    expect(await store.bounds(ref)).toMatchObject({ bytes: 0, batches: 0 });
  });

  it('and by age together drops what either drops', async () => {
    await fill([10], [20], [30], [40], [50]);
    const length = batchAt(1).bytes.length;
    const both = { retentionMs: 0, nowMs: 35, retentionBytes: 4 * length };
    expect(await trimWhole(store, ref, both)).toMatchObject({ logStartOffset: 3 });
    const size = { retentionMs: 0, nowMs: 35, retentionBytes: length };
    expect(await trimWhole(store, ref, size)).toMatchObject({ logStartOffset: 4 });
  });
});

describe('spans', () => {
  it('are about a MiB of batches, and a large batch is one by itself', async () => {
    await fillLarge(
      100 * KiB,
      Array.from({ length: 12 }, (_, i) => 100 + i),
    );
    await fillLarge(300 * KiB, [200, 150]);
    expect(await spans()).toEqual([
      [10, 110],
      [11, 111],
      [12, 200],
      [13, 150],
    ]);
  });

  it('know the largest timestamp in them, also where others had larger ones', async () => {
    await fillLarge(300 * KiB, [Date.now() + 300 * dayMs]);
    await fillLarge(200 * KiB, [5, 9, 7, 3, 2, 1]);
    await fillLarge(200 * KiB, [-1, 9, 7, 3, 2, 1]);
    expect((await spans()).slice(1)).toEqual([
      [6, 9],
      [12, null],
    ]);
  });

  it('go without a look at their batches', async () => {
    await fillLarge(
      60 * KiB,
      Array.from({ length: 100 }, (_, i) => 10 + i),
    );
    const before = await callsOf('xrange');
    expect(await trimToTime(100)).toMatchObject({ batches: 90, logStartOffset: 90 });
    // The spans, and what is behind the last that goes.
    expect((await callsOf('xrange')) - before).toBeLessThan(24);
    expect(await store.bounds(ref)).toMatchObject({ batches: 10 });
  });

  it('are not needed: what an earlier version has written is trimmed too', async () => {
    await fill(...Array.from({ length: 300 }, (_, i) => [10 + i]));
    await fillLarge(
      100 * KiB,
      Array.from({ length: 30 }, (_, i) => 400 + i),
    );
    await redis.write.hdel(keys().meta, 'span', 'kept', 'gone');
    await redis.write.unlink(keys().spans);
    await fillLarge(
      100 * KiB,
      Array.from({ length: 30 }, (_, i) => 500 + i),
    );
    expect(await spans()).toEqual([
      [340, null],
      [351, 521],
    ]);
    expect(await trimToTime(110)).toMatchObject({ batches: 100 });
    expect(await trimToTime(525)).toMatchObject({ logStartOffset: 355 });
    expect(await trimToSize(0)).toMatchObject({ logStartOffset: 360 });
  });

  it('take no step larger than it may be', async () => {
    await fillLarge(
      200 * KiB,
      Array.from({ length: 200 }, () => 1),
    );
    const { trimSpanBytesMax } = partitionLimits;
    const steps = [];
    for (let isDone = false; !isDone;) {
      const step = await store.trimStep(ref, { ...keepAll, retentionMs: 0, nowMs: 5 });
      if (step === null || step === 'missing') throw new Error('there is nothing to trim');
      steps.push(step);
      ({ isDone } = step);
    }
    expect(steps.length).toBeGreaterThan(2);
    for (const { bytes } of steps) expect(bytes).toBeLessThanOrEqual(trimSpanBytesMax);
    expect(await startOf()).toBe(200);
  });

  it('are not made of batches that were all dropped meanwhile', async () => {
    await fill([10], [20]);
    expect(await trimToTime(30)).toMatchObject({ batches: 2 });
    await fillLarge(300 * KiB, [40]);
    expect(await spans()).toEqual([[2, 40]]);
    expect(await trimToTime(50)).toMatchObject({ logStartOffset: 3, batches: 1 });
  });

  // As left by an earlier version that has trimmed, whose counts are others.
  it('are given up where they contradict what is appended, which is stored', async () => {
    await fillLarge(300 * KiB, [10, 20]);
    await redis.write.hset(keys().meta, 'span', '1 20 20');
    await fillLarge(300 * KiB, [30]);
    expect(await spans()).toEqual([]);
    expect(await startOf()).toBe(0);
    expect(await trimToTime(25)).toMatchObject({ logStartOffset: 2, batches: 2 });
  });
});

describe('what a trim leaves behind', () => {
  const rule = { retentionMs: 100, retentionBytes: -1, nowMs: 150 };

  it('tells without a look at batches that nothing is due', async () => {
    await fill([50], [60], [70]);
    expect(await mayBe(rule)).toBe(true);
    expect(await trimWhole(store, ref, rule)).toMatchObject({ batches: 0 });
    expect(await mayBe(rule)).toBe(false);
    expect(await mayBe({ ...rule, nowMs: 151 })).toBe(true);
    const length = batchAt(1).bytes.length;
    expect(await mayBe({ ...rule, retentionBytes: 2 * length + 1 })).toBe(false);
    expect(await mayBe({ ...rule, retentionBytes: 2 * length })).toBe(true);
  });

  it('tells that records were deleted, and that there are none', async () => {
    expect(await mayBe(rule)).toBe(false);
    await fill([50], [60]);
    await trimWhole(store, ref, rule);
    await redis.write.hset(keys().meta, 'start', '1');
    expect(await mayBe(rule)).toBe(true);
    expect(await trimWhole(store, ref, keepAll)).toMatchObject({ batches: 1 });
    expect(await mayBe(rule)).toBe(false);
  });
});

describe('what cannot be trimmed', () => {
  it('is a partition in the form of a newer version', async () => {
    await fill([1]);
    await redis.write.hset(keys().meta, 'format', '2');
    const rule = { ...keepAll, retentionMs: 0 };
    expect(await store.mayBeTrimmed([ref], rule)).toEqual([ref]);
    await expect(store.trimStep(ref, rule)).rejects.toMatchObject({ reason: 'newer-format' });
    await redis.write.hset(keys().meta, 'format', '1');
  });

  it('is one that lacks batches, until that was found out', async () => {
    await fill([10], [20], [30]);
    const [entry] = await redis.read.xrange(keys().log, '1', '1');
    const admin = await adminOf(await sharedRedis());
    await admin.xdel(keys().log, entry![0]);
    const rule = { ...keepAll, retentionMs: 0, nowMs: 25 };
    expect(await store.trimStep(ref, rule)).toBe('missing');
    await store.findMissing(ref);
    expect(await store.trimStep(ref, rule)).toMatchObject({ logStartOffset: 2, batches: 1 });
  });
});
