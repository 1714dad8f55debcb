import { readBatchHeader } from '@sluice/records';
import { UnknownOutcome, type RedisLink } from '@sluice/redis';
import { checkPartition } from '@sluice/test/models/partition-check';
import { appendBatch, batchAt, batchOf, recordsAt } from '@sluice/test/support/batches';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import type { AppendBatch, AppendResult } from './append-call';
import { Appends, Transactions } from './appends';
import { partitionKeys, type PartitionRef } from '../keys';
import { partitionLimits } from '../partition-limits';
import { LeaderEpochs } from '../recovery/epochs';
import { PartitionStore } from '../partition-store';
import { AppendCalls, plainAppends } from '../../test/append-calls';

const ref: PartitionRef = { topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition: 0 };
const sequenceMax = 2 ** 31 - 1;

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

/** What is told of a batch of `batchOf` that is there already. */
const duplicateAt = (baseOffset: number) => {
  return { kind: 'duplicate', baseOffset, maxTimestampMs: 1_000 };
};

const keys = () => partitionKeys(redis.keyPrefix, ref);

async function append(...batches: AppendBatch[]): Promise<AppendResult[]> {
  const reply = await appends.append(ref, -1, batches);
  if ('refused' in reply) throw new Error(reply.refused);
  return reply.results;
}

describe('append', () => {
  it('gives dense offsets from 0, over several batches and calls', async () => {
    expect(await appends.append(ref, -1, [batchAt(1, 2, 3), batchAt(4)])).toEqual({
      results: [
        { kind: 'appended', baseOffset: 0 },
        { kind: 'appended', baseOffset: 3 },
      ],
      logStartOffset: 0,
      logEndOffset: 4,
      leaderEpoch: 0,
    });
    expect(await append(batchAt(5, 6))).toEqual([{ kind: 'appended', baseOffset: 4 }]);
    expect(await redis.read.xlen(keys().log)).toBe(3);
  });

  it('names an entry by its last offset and the largest timestamp so far', async () => {
    await append(batchAt(50, 70, 60), batchAt(10), batchAt(80));
    const ids = (await redis.read.xrange(keys().log, '-', '+')).map(([id]) => id);
    expect(ids).toEqual(['2-70', '3-70', '4-80']);
  });

  it('takes a first record at the beginning of time, or without any time', async () => {
    expect(await append(batchAt(0), batchAt(-1))).toEqual([
      { kind: 'appended', baseOffset: 0 },
      { kind: 'appended', baseOffset: 1 },
    ]);
    expect(await store.bounds(ref)).toMatchObject({ maxTimestampMs: 0, logEndOffset: 2 });
  });

  it('counts bytes, batches, and the largest batch', async () => {
    const [small, large] = [batchAt(1), batchAt(1, 2, 3, 4)];
    await append(small, large, small);
    expect(await store.bounds(ref)).toEqual({
      logStartOffset: 0,
      logEndOffset: 6,
      highWatermark: 6,
      lastStableOffset: 6,
      bytes: 2 * small.bytes.length + large.bytes.length,
      batches: 3,
      largestBatchBytes: large.bytes.length,
      maxTimestampMs: 4,
      leaderEpoch: 0,
      leaderEpochs: LeaderEpochs.first,
    });
  });

  it('keeps every byte, with offset and leader epoch stamped on reading', async () => {
    const value = Buffer.from(Array.from({ length: 256 * 3 }, (_, i) => i % 256));
    const batch = appendBatch({ records: [{ timestampMs: 1, key: value, value }] });
    const sent = Buffer.from(batch.bytes);
    await append(batchAt(1, 1), batch);
    const [stored] = await store.read(ref, 2, {
      entries: 1,
      leaderEpochs: LeaderEpochs.parse('7 0'),
    });
    expect(stored!.bytes.subarray(16)).toEqual(sent.subarray(16));
    expect(readBatchHeader(stored!.bytes)).toMatchObject({
      baseOffset: 2,
      partitionLeaderEpoch: 7,
    });
  });

  it('takes batches of 5 MiB', async () => {
    const value = Buffer.alloc(5 * 1024 * 1024);
    for (let i = 0; i < value.length; i++) value[i] = (i * 31 + (i >> 8)) % 256;
    const batch = appendBatch({ records: [{ timestampMs: 1, value }] });
    expect(await append(batch, batchAt(2), batch)).toMatchObject([
      { baseOffset: 0 },
      { baseOffset: 1 },
      { baseOffset: 2 },
    ]);
    const stored = await store.read(ref, 0, { entries: 10 });
    expect(stored.map(({ bytes }) => bytes.length)).toEqual([
      batch.bytes.length,
      batchAt(2).bytes.length,
      batch.bytes.length,
    ]);
    expect(stored[2]!.bytes.subarray(16).equals(batch.bytes.subarray(16))).toBe(true);
  });

  it('counts exactly up to 2^53', async () => {
    // ioredis itself rounds integer replies that are closer to 2^53 than this.
    const next = 2 ** 53 - 1_000;
    await redis.write.hset(keys().meta, { next, start: next, bytes: 0, batches: 0 });
    const latest = 2 ** 53 - 1;
    expect(await append(batchAt(latest), batchAt(1))).toEqual([
      { kind: 'appended', baseOffset: next },
      { kind: 'appended', baseOffset: next + 1 },
    ]);
    expect(await store.bounds(ref)).toMatchObject({
      logEndOffset: next + 2,
      maxTimestampMs: latest,
    });
    const ids = (await redis.read.xrange(keys().log, '-', '+')).map(([id]) => id);
    expect(ids).toEqual([`${next}-${latest}`, `${next + 1}-${latest}`]);
  });

  it('refuses a time that it could not keep exactly, and takes what stands beside it', async () => {
    const nanoseconds = 1_700_000_000_000_000_000;
    const late: AppendBatch = { ...batchAt(5), maxTimestampMs: nanoseconds };
    expect(await append(batchAt(1), late, batchAt(2))).toEqual([
      { kind: 'appended', baseOffset: 0 },
      { kind: 'invalid-timestamp' },
      { kind: 'appended', baseOffset: 1 },
    ]);
    expect(await store.bounds(ref)).toMatchObject({ maxTimestampMs: 2 });
  });

  it('keeps numbers exact that Lua would round when it prints them', async () => {
    const next = 123_456_789_012_345;
    await redis.write.hset(keys().meta, { next, start: next });
    await append(batchOf({ id: 1_234_567_890_123_456, sequence: 0 }));
    expect(await append(batchOf({ id: 1_234_567_890_123_456, sequence: 0 }))).toEqual([
      duplicateAt(next),
    ]);
    expect(await redis.read.hkeys(keys().producers)).toEqual(['format', '1234567890123456']);
  });

  it('publishes how far the log reaches, once a call', async () => {
    const messages: string[] = [];
    const unsubscribe = await redis.subscribe(keys().wake, (message) => {
      messages.push(message);
    });
    await append(batchAt(1), batchAt(2, 3));
    await append(batchAt(4));
    await append(batchOf({ id: 1, epoch: 3, sequence: 0 }), batchOf({ id: 1, sequence: 5 }));
    await append(batchOf({ id: 1, epoch: 3, sequence: 0 }));
    await redis.write.publish(keys().wake, 'end');
    while (messages.at(-1) !== 'end') await new Promise((resolve) => setImmediate(resolve));
    expect(messages).toEqual(['3 0 3 0', '4 0 4 0', '5 0 5 0', 'end']);
    await unsubscribe();
  });

  it.each(['batches', 'epoch', 'bytes'])(
    'writes nothing where its meta lacks %s',
    async (field) => {
      const before = await redis.write.hget(keys().meta, field);
      await redis.write.hdel(keys().meta, field);
      await expect(append(batchAt(1))).rejects.toBeInstanceOf(UnknownOutcome);
      expect(await redis.read.xlen(keys().log)).toBe(0);
      await redis.write.hset(keys().meta, field, before!);
      expect(await append(batchAt(1))).toEqual([{ kind: 'appended', baseOffset: 0 }]);
    },
  );

  it('refuses a partition that does not exist', async () => {
    const other = { ...ref, partition: 1 };
    expect(await appends.append(other, -1, [batchAt(1)])).toEqual({ refused: 'unknown-partition' });
    expect(await redis.read.exists(partitionKeys(redis.keyPrefix, other).log)).toBe(0);
  });

  it('takes the leadership that has the partition, or none, and refuses others', async () => {
    const refused = { refused: 'fenced-leader' };
    expect(await appends.append(ref, 0, [batchAt(1)])).toEqual(refused);
    await store.lead(ref, 5);
    expect(await appends.append(ref, 4, [batchAt(1)])).toEqual(refused);
    expect(await appends.append(ref, 6, [batchAt(1)])).toEqual(refused);
    expect(await appends.append(ref, 5, [batchAt(1)])).toMatchObject({ logEndOffset: 1 });
    expect(await appends.append(ref, -1, [batchAt(1)])).toMatchObject({ logEndOffset: 2 });
  });
});

describe('append of an idempotent producer', () => {
  it('finds each of the last five batches again, whatever came between', async () => {
    const batches = [0, 1, 2, 3, 4].map((i) => batchOf({ id: 9, sequence: 3 * i }, 3));
    for (const batch of batches) await append(batch);
    await append(batchAt(1), batchOf({ id: 8, sequence: 0 }));
    expect(await append(...batches)).toEqual(
      [0, 3, 6, 9, 12].map((baseOffset) => duplicateAt(baseOffset)),
    );
    expect(await append(batchOf({ id: 9, sequence: 15 }))).toMatchObject([{ kind: 'appended' }]);
  });

  it('knows an older batch as written, but no longer where', async () => {
    for (let i = 0; i < 7; i++) await append(batchOf({ id: 9, sequence: i }));
    expect(await append(batchOf({ id: 9, sequence: 1 }))).toEqual([{ kind: 'duplicate-unknown' }]);
    expect(await append(batchOf({ id: 9, sequence: 0 }, 2))).toEqual([
      { kind: 'duplicate-unknown' },
    ]);
  });

  it('does not call a batch written that came before the first one it knows of', async () => {
    for (let i = 10; i < 17; i++) await append(batchOf({ id: 9, sequence: i }));
    expect(await append(batchOf({ id: 9, sequence: 9 }), batchOf({ id: 9, sequence: 10 }))).toEqual(
      [{ kind: 'out-of-order', expected: 17 }, { kind: 'duplicate-unknown' }],
    );
  });

  it('refuses a gap, and a batch that only overlaps a known one', async () => {
    await append(batchOf({ id: 9, sequence: 0 }, 3), batchOf({ id: 9, sequence: 3 }, 3));
    const refused = { kind: 'out-of-order', expected: 6 };
    expect(await append(batchOf({ id: 9, sequence: 7 }))).toEqual([refused]);
    expect(await append(batchOf({ id: 9, sequence: 3 }, 2))).toEqual([refused]);
    expect(await append(batchOf({ id: 9, sequence: 0 }, 6))).toEqual([refused]);
    expect(await append(batchOf({ id: 9, sequence: 5 }, 3))).toEqual([refused]);
  });

  it('takes any sequence of a producer that it does not know, and goes on from there', async () => {
    expect(await append(batchOf({ id: 9, epoch: 4, sequence: 77 }))).toMatchObject([
      { kind: 'appended' },
    ]);
    expect(await append(batchOf({ id: 9, epoch: 4, sequence: 79 }))).toEqual([
      { kind: 'out-of-order', expected: 78 },
    ]);
  });

  it('refuses a batch without a sequence', async () => {
    expect(await append(batchOf({ id: 9, sequence: -1 }))).toEqual([
      { kind: 'out-of-order', expected: 0 },
    ]);
  });

  it('begins a new epoch at sequence 0 only, and fences the old one', async () => {
    await append(batchOf({ id: 9, epoch: 1, sequence: 0 }));
    expect(await append(batchOf({ id: 9, epoch: 2, sequence: 1 }))).toEqual([
      { kind: 'out-of-order', expected: 0 },
    ]);
    expect(await append(batchOf({ id: 9, epoch: 2, sequence: 0 }))).toMatchObject([
      { kind: 'appended', baseOffset: 1 },
    ]);
    expect(await append(batchOf({ id: 9, epoch: 1, sequence: 0 }))).toEqual([
      { kind: 'fenced-producer' },
    ]);
    expect(await append(batchOf({ id: 9, epoch: 2, sequence: 0 }))).toEqual([duplicateAt(1)]);
  });

  it('lets the sequence wrap, between batches and within one', async () => {
    await append(batchOf({ id: 1, sequence: sequenceMax }), batchOf({ id: 1, sequence: 0 }));
    await append(batchOf({ id: 2, sequence: sequenceMax - 1 }, 4));
    expect(await append(batchOf({ id: 2, sequence: 2 }))).toMatchObject([{ kind: 'appended' }]);
    expect(await append(batchOf({ id: 1, sequence: sequenceMax }))).toEqual([duplicateAt(0)]);
    expect(await append(batchOf({ id: 2, sequence: sequenceMax - 1 }, 4))).toEqual([
      duplicateAt(2),
    ]);
    expect(await append(batchOf({ id: 2, sequence: sequenceMax }))).toEqual([
      { kind: 'out-of-order', expected: 3 },
    ]);
  });

  it('judges the batches of one call one after the other', async () => {
    expect(
      await append(
        batchOf({ id: 9, sequence: 0 }, 2),
        batchOf({ id: 9, sequence: 2 }),
        batchOf({ id: 9, sequence: 4 }),
        batchOf({ id: 9, sequence: 0 }, 2),
        batchAt(5),
        batchOf({ id: 9, sequence: 3 }),
        batchOf({ id: 9, sequence: 4 }),
      ),
    ).toEqual([
      { kind: 'appended', baseOffset: 0 },
      { kind: 'appended', baseOffset: 2 },
      { kind: 'out-of-order', expected: 3 },
      duplicateAt(0),
      { kind: 'appended', baseOffset: 3 },
      { kind: 'appended', baseOffset: 4 },
      { kind: 'appended', baseOffset: 5 },
    ]);
  });

  it('takes hundreds of batches of one producer in a call, and knows the last five', async () => {
    const batches = Array.from({ length: 500 }, (_, i) => batchOf({ id: 9, sequence: i }));
    expect(await append(...batches)).toEqual(
      batches.map((_, i) => ({ kind: 'appended', baseOffset: i })),
    );
    expect(await append(batches[494]!, batches[495]!, batches[499]!)).toEqual([
      { kind: 'duplicate-unknown' },
      duplicateAt(495),
      duplicateAt(499),
    ]);
  });

  it('writes something for duplicates that have to be confirmed, and only for those', async () => {
    const raw = new Appends(keys(), plainAppends(partitionLimits, new Transactions(redis.write)));
    const changes = async (): Promise<number> => {
      const info = await redis.write.info('persistence');
      return Number(/rdb_changes_since_last_save:(\d+)/.exec(info)![1]);
    };
    const writes = async (batch: AppendBatch, confirmed: number | null): Promise<boolean> => {
      const before = await changes();
      await raw.append(redis.write, { leadership: -1, confirmed }, [batch]);
      return (await changes()) > before;
    };
    for (let i = 0; i < 7; i++) await append(batchOf({ id: 9, sequence: i }));
    const meta = await redis.read.hgetall(keys().meta);
    expect(await writes(batchOf({ id: 9, sequence: 6 }), -1)).toBe(true);
    expect(await writes(batchOf({ id: 9, sequence: 0 }), -1)).toBe(true);
    expect(await writes(batchOf({ id: 9, sequence: 6 }), null)).toBe(false);
    expect(await writes(batchOf({ id: 9, sequence: 8 }), -1)).toBe(false);
    // Before it there was nothing that asked, so nothing is kept from readers.
    expect(await redis.read.hgetall(keys().meta)).toEqual({ ...meta, confirmed: '7' });
  });

  it('changes nothing when all is refused', async () => {
    await append(batchOf({ id: 9, sequence: 0 }));
    const before = await redis.read.hgetall(keys().meta);
    await append(batchOf({ id: 9, sequence: 0 }), batchOf({ id: 9, sequence: 4 }));
    expect(await redis.read.hgetall(keys().meta)).toEqual(before);
    expect(await redis.read.xlen(keys().log)).toBe(1);
  });

  it('tells the largest time of what is there already, and that it is gone', async () => {
    const times = [5, 9, 7].map((timestampMs) => ({ timestampMs, value: null }));
    const producer = { producerId: 9, producerEpoch: 0 };
    const first = appendBatch({ records: times, ...producer, baseSequence: 0 });
    const second = appendBatch({ records: times.slice(2), ...producer, baseSequence: 3 });
    expect(await append(first, first, second)).toEqual([
      { kind: 'appended', baseOffset: 0 },
      { kind: 'duplicate', baseOffset: 0, maxTimestampMs: 9 },
      { kind: 'appended', baseOffset: 3 },
    ]);
    expect(await append(second, first)).toEqual([
      { kind: 'duplicate', baseOffset: 3, maxTimestampMs: 7 },
      { kind: 'duplicate', baseOffset: 0, maxTimestampMs: 9 },
    ]);
    await store.deleteRecords(ref, 3);
    expect(await append(first)).toEqual([{ kind: 'duplicate', baseOffset: 0, maxTimestampMs: -1 }]);
  });

  it('keeps the sequences of a compressed batch like those of any other', async () => {
    const compressed = appendBatch({
      records: recordsAt(1, 2, 3),
      compression: 'gzip',
      producerId: 9,
      producerEpoch: 0,
      baseSequence: 0,
    });
    expect(await append(compressed, batchOf({ id: 9, sequence: 3 }))).toMatchObject([
      { baseOffset: 0 },
      { baseOffset: 3 },
    ]);
  });
});
