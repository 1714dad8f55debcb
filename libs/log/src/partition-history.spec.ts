import * as fc from 'fast-check';
import { encodeBatch } from '@sluice/records';
import type { RedisLink } from '@sluice/redis';
import { checkPartition } from '@sluice/test/models/partition-check';
import { PartitionModel, type ModelBatch } from '@sluice/test/models/partition-model';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import type { AppendBatch, AppendReply, AppendResult } from './writer/append-call';
import { partitionKeys, type PartitionRef } from './keys';
import { partitionLimits } from './partition-limits';
import { PartitionStore } from './partition-store';
import { AppendCalls } from '../test/append-calls';
import { trimWhole } from '../test/trim-whole';

/** How many random histories run, and from which seed; more for a long run by hand. */
const runs = Number(process.env['SLUICE_MODEL_RUNS'] ?? 25);
const seed = Number(process.env['SLUICE_MODEL_SEED'] ?? Math.trunc(Date.now() % 2 ** 31));
const stepsMax = 80;
/** On a machine that is busy. */
const historyMsMax = 24_000;
const dayMs = 86_400_000;
// So small that a good part of the appends goes past Lua.
const limits = {
  ...partitionLimits,
  directBytesMin: 2_000,
  directBatchBytesMin: 500,
  directMissMemory: 4,
};
const sequencesMax = 2 ** 31;

jest.setTimeout(Math.max(runs * historyMsMax, 10 * 60_000));

/** How a batch stands to what its producer sent before. */
type Aim =
  | 'next'
  | 'again'
  | 'long-ago'
  | 'gap'
  | 'overlap'
  | 'new-epoch'
  | 'new-epoch-late'
  | 'old-epoch'
  | 'near-wrap'
  | 'no-sequence';

interface Draft {
  producer: number;
  aim: Aim;
  timestampsMs: number[];
  back: number;
  valueBytes: number;
}

type Step =
  | { do: 'append'; writer: number; calls: Draft[][] }
  | { do: 'read'; at: number; entries: number }
  | { do: 'find'; timestampMs: number }
  | { do: 'delete'; at: number }
  | { do: 'trim'; nowMs: number; retentionMs: number; share: number | null }
  | { do: 'age' }
  | { do: 'expire' };

const aims = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Aim>('next') },
  { weight: 3, arbitrary: fc.constant<Aim>('again') },
  {
    weight: 5,
    arbitrary: fc.constantFrom<Aim>(
      'long-ago',
      'gap',
      'overlap',
      'new-epoch',
      'new-epoch-late',
      'old-epoch',
      'near-wrap',
      'no-sequence',
    ),
  },
);
// Few values, so that times are equal, go back, and are missing often enough.
const timestamps = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom(-1, 1, 2 ** 43) },
);
const drafts = fc.record<Draft>({
  producer: fc.integer({ min: -1, max: 3 }),
  aim: aims,
  timestampsMs: fc.array(timestamps, { minLength: 1, maxLength: 6 }),
  back: fc.integer({ min: 1, max: 8 }),
  valueBytes: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(3_000)),
});
const share = fc.integer({ min: 0, max: 1_000 }).map((thousandths) => thousandths / 1_000);
const find = fc.oneof(fc.integer({ min: 0, max: 62 }), fc.constant(2 ** 43));
const steps = fc.oneof<fc.MaybeWeightedArbitrary<Step>[]>(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      writer: fc.integer({ min: 0, max: 5 }),
      calls: fc.array(fc.array(drafts, { minLength: 1, maxLength: 8 }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      at: fc.double({ min: -0.1, max: 1.1, noNaN: true }),
      entries: fc.integer({ min: 1, max: 20 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('find' as const), timestampMs: find }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('delete' as const),
      at: fc.oneof(fc.double({ min: -0.3, max: 0.7, noNaN: true }), fc.constantFrom(-1, 1, 2)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('trim' as const),
      nowMs: find,
      retentionMs: fc.constantFrom(-1, 0, 5),
      share: fc.oneof(share, fc.constant(null)),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'age' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'expire' }) },
);

/** What a producer remembers of itself, from which it makes right and wrong batches. */
class Sender {
  epoch = 0;
  next = 0;
  sent: { epoch: number; sequence: number; timestampsMs: number[] }[] = [];

  constructor(readonly id: number) {}

  make(draft: Draft): ModelBatch {
    const { timestampsMs, back } = draft;
    const recent = this.sent.at(-back);
    const oldest = this.sent[0];
    switch (draft.aim) {
      case 'next':
        return this.batch(this.epoch, this.next, timestampsMs);
      case 'again':
        if (recent === undefined) return this.batch(this.epoch, this.next, timestampsMs);
        return this.batch(recent.epoch, recent.sequence, recent.timestampsMs);
      case 'long-ago':
        if (oldest === undefined) return this.batch(this.epoch, this.next, timestampsMs);
        return this.batch(this.epoch, oldest.sequence, timestampsMs);
      case 'gap':
        return this.batch(this.epoch, this.next + back, timestampsMs);
      case 'overlap':
        return this.batch(this.epoch, this.next + sequencesMax - back, timestampsMs);
      case 'new-epoch':
        return this.batch(this.epoch + 1, 0, timestampsMs);
      case 'new-epoch-late':
        return this.batch(this.epoch + 1, back, timestampsMs);
      case 'old-epoch':
        return this.batch(Math.max(0, this.epoch - 1), this.next, timestampsMs);
      case 'near-wrap':
        return this.batch(this.epoch, sequencesMax - back, timestampsMs);
      case 'no-sequence':
        return { ...this.batch(this.epoch, 0, timestampsMs), baseSequence: -1 };
    }
  }

  taken({ producerEpoch, baseSequence, timestampsMs }: ModelBatch): void {
    if (producerEpoch !== this.epoch) this.sent = [];
    this.epoch = producerEpoch;
    this.next = (baseSequence + timestampsMs.length) % sequencesMax;
    this.sent.push({ epoch: producerEpoch, sequence: baseSequence, timestampsMs });
  }

  private batch(producerEpoch: number, sequence: number, timestampsMs: number[]): ModelBatch {
    const baseSequence = sequence % sequencesMax;
    return { bytes: 0, timestampsMs, producerId: this.id, producerEpoch, baseSequence };
  }
}

/**
 * One partition in Redis, with two writers, and one in the model, which are given the same things
 * to do.
 */
class Pair {
  readonly model = new PartitionModel();
  private readonly senders = [0, 1, 2, 3].map((n) => new Sender(n * 1_000_003));
  private readonly keys;

  constructor(
    private readonly redis: RedisLink,
    private readonly store: PartitionStore,
    private readonly writers: readonly [AppendCalls, AppendCalls],
    private readonly ref: PartitionRef,
  ) {
    this.keys = partitionKeys(redis.keyPrefix, ref);
  }

  async take(step: Step): Promise<void> {
    const { model, store, ref } = this;
    const end = model.logEndOffset;
    switch (step.do) {
      case 'append':
        // One writer in six, so that the other mostly finds the log as it left it.
        return this.append(this.writers[step.writer === 0 ? 1 : 0], step.calls);
      case 'read':
        return this.read(Math.max(0, Math.floor(step.at * end)), step.entries);
      case 'find':
        expect(await store.firstAtOrAfter(ref, step.timestampMs)).toEqual(
          model.firstAtOrAfter(step.timestampMs),
        );
        expect(await store.maxTimestamp(ref)).toEqual(model.maxTimestamp());
        return;
      case 'delete':
        return this.deleteRecords(step.at === -1 ? -1 : Math.floor(step.at * end));
      case 'trim': {
        const { nowMs, retentionMs, share } = step;
        const retentionBytes = share === null ? -1 : Math.floor(model.bounds().bytes * share);
        const rule = { nowMs, retentionMs, retentionBytes };
        model.trim(rule, Infinity);
        await trimWhole(store, ref, rule);
        return this.setSeenAhead();
      }
      case 'age':
        model.ageProducers();
        return this.ageProducers();
      case 'expire':
        expect(await store.expireProducers(ref, dayMs)).toBe(model.expireProducers());
    }
  }

  /** What must be so after each step. */
  async compare(): Promise<void> {
    const { model, store, ref, redis, keys } = this;
    expect(await store.bounds(ref)).toEqual(model.bounds());
    const known = producerIds(await redis.read.hkeys(keys.producers)).sort((a, b) => a - b);
    expect(known).toEqual(model.knownProducers());
    expect(await checkPartition(redis.read, keys)).toEqual([]);
  }

  /** Makes all calls at once; they have to be done in order. */
  private async append(writer: AppendCalls, calls: readonly Draft[][]): Promise<void> {
    const { model, ref } = this;
    const expected: AppendReply[] = [];
    const replies = calls.map((all) => {
      const made = all.map((draft) => this.appendToModel(draft));
      const { logStartOffset, logEndOffset } = model;
      const results = made.map(({ result }) => result);
      expected.push({ results, logStartOffset, logEndOffset, leaderEpoch: 0 });
      return writer.append(
        ref,
        -1,
        made.map(({ batch }) => batch),
      );
    });
    expect(await Promise.all(replies)).toEqual(expected);
  }

  private appendToModel(draft: Draft): { batch: AppendBatch; result: AppendResult } {
    const sender = this.senders[draft.producer];
    const { timestampsMs } = draft;
    const plain = { producerId: -1, producerEpoch: -1, baseSequence: -1, bytes: 0, timestampsMs };
    const batch = sender?.make(draft) ?? plain;
    const bytes = encode(batch, draft.valueBytes);
    batch.bytes = bytes.length;
    const [result] = this.model.append([batch]);
    if (result!.kind === 'appended') sender?.taken(batch);
    const maxTimestampMs = Math.max(...batch.timestampsMs);
    const lastOffsetDelta = batch.timestampsMs.length - 1;
    return { batch: { ...batch, bytes, lastOffsetDelta, maxTimestampMs }, result: result! };
  }

  private async read(fromOffset: number, entries: number): Promise<void> {
    const read = await this.store.read(this.ref, fromOffset, { entries });
    const expected = this.model.read(fromOffset, entries);
    expect(read.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset])).toEqual(
      expected.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset]),
    );
    for (const { bytes, baseOffset } of read) {
      expect(bytes.readBigInt64BE(0)).toBe(BigInt(baseOffset));
    }
  }

  private async deleteRecords(beforeOffset: number): Promise<void> {
    const start = this.model.deleteRecords(beforeOffset);
    expect(await this.store.deleteRecords(this.ref, beforeOffset)).toEqual(
      start === 'out-of-range' ? { refused: start } : { logStartOffset: start },
    );
  }

  /**
   * What has no time is as old as the moment at which a trim first saw it, by Redis' own clock. In
   * the model it is never old; so that does not depend on how many milliseconds a step takes here.
   */
  private async setSeenAhead(): Promise<void> {
    const { write } = this.redis;
    const seen = await write.hget(this.keys.meta, 'seen');
    if (seen === null) return;
    const inAnHourMs = Date.now() + 3_600_000;
    await write.hset(this.keys.meta, 'seen', `${seen.split(' ')[0]} ${inAnHourMs}`);
  }

  /** Sets back the time of last use, which Redis takes from its own clock. */
  private async ageProducers(): Promise<void> {
    const { write } = this.redis;
    const values = await write.hgetallBuffer(this.keys.producers);
    for (const [id, value] of Object.entries(values)) {
      if (id === 'format') continue;
      value.writeUInt32LE(Math.trunc(Date.now() / 1_000) - (2 * dayMs) / 1_000, 2);
      await write.hset(this.keys.producers, id, value);
    }
  }
}

function producerIds(fields: readonly string[]): number[] {
  return fields.filter((field) => field !== 'format').map(Number);
}

function encode(batch: ModelBatch, valueBytes: number): Buffer {
  const { producerId, producerEpoch, baseSequence } = batch;
  const value = Buffer.alloc(valueBytes, 0xa5);
  return encodeBatch({
    records: batch.timestampsMs.map((timestampMs) => ({ timestampMs, value })),
    producerId,
    producerEpoch,
    baseSequence,
  });
}

describe('a partition in Redis and its model', () => {
  let redis: RedisLink;
  let otherLink: RedisLink;

  beforeAll(async () => {
    redis = await connectLink(await sharedRedis());
    otherLink = await connectLink(await sharedRedis(), { keyPrefix: redis.keyPrefix });
  });

  afterAll(async () => {
    await redis.close();
    await otherLink.close();
    await (await sharedRedis()).stop();
  });

  it(`agree after every step of ${runs} random histories (seed ${seed})`, async () => {
    const store = new PartitionStore(redis, { limits });
    const writers = [new AppendCalls(redis, limits), new AppendCalls(otherLink, limits)] as const;
    let count = 0;
    let stepsTaken = 0;
    const histories = fc.array(steps, { minLength: stepsMax / 2, maxLength: stepsMax });
    const property = fc.asyncProperty(histories, async (history) => {
      const ref = { topic: 'orders', topicId: `history-${++count}`, partition: 0 };
      await store.initPartition(ref);
      const pair = new Pair(redis, store, writers, ref);
      for (const step of history) {
        await pair.take(step);
        await pair.compare();
        stepsTaken++;
      }
      await store.dropPartitions([ref]);
    });
    await fc.assert(property, { seed, numRuns: runs, endOnFailure: false });
    expect(stepsTaken).toBeGreaterThanOrEqual(runs * (stepsMax / 2));
  });
});
