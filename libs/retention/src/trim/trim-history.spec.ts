import * as fc from 'fast-check';
import { silentLogger, systemClock } from '@sluice/base';
import { partitionKeys, PartitionStore, type PartitionRef, type Topic } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import { checkPartition } from '@sluice/test/models/partition-check';
import { PartitionModel, type ModelBatch } from '@sluice/test/models/partition-model';
import { appendAll } from '@sluice/test/support/appended';
import { appendBatch } from '@sluice/test/support/batches';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import { TopicTrimmer } from './topic-trimmer';

/** How many random histories run, and from which seed; more for a long run by hand. */
const runs = Number(process.env['SLUICE_MODEL_RUNS'] ?? 8);
const seed = Number(process.env['SLUICE_MODEL_SEED'] ?? Math.trunc(Date.now() % 2 ** 31));
const KiB = 1024;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** So far back that the clock of Redis is ahead whatever happens: the trimmer's clock decides. */
const beginningMs = Date.now() - 400 * dayMs;

type Step =
  | { do: 'append'; batches: { agesMs: number[]; valueBytes: number }[] }
  | { do: 'pass'; ms: number }
  | { do: 'limit'; retentionMs: number; retentionBytes: number }
  | { do: 'trim' }
  /** The trim is told to end after so many steps, or loses the reply of one. */
  | { do: 'killed-trim'; steps: number; losesReply: boolean }
  | { do: 'delete-records'; share: number }
  | { do: 'delete-topic' };

/** Some ordered, some not; some of the past and the future, by more than anything is kept. */
const ages = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 20 }).map((minutes) => minutes * minuteMs) },
  { weight: 1, arbitrary: fc.constantFrom(-hourMs, -90 * minuteMs) },
  { weight: 1, arbitrary: fc.constantFrom(30 * dayMs, 300 * dayMs) },
);
const batches = fc.record({
  agesMs: fc.array(ages, { minLength: 1, maxLength: 3 }),
  valueBytes: fc.constantFrom(10, 10, 10, 60 * KiB, 200 * KiB, 300 * KiB),
});
const steps = fc.oneof<fc.MaybeWeightedArbitrary<Step>[]>(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      batches: fc.array(batches, { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      // A clock may jump by an hour, in both directions.
      ms: fc.constantFrom(minuteMs, 10 * minuteMs, 30 * minuteMs, hourMs, -hourMs),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      retentionMs: fc.constantFrom(-1, 0, 10 * minuteMs, hourMs),
      retentionBytes: fc.constantFrom(-1, -1, 0, 500, 700 * KiB),
    }),
  },
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'trim' }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('killed-trim' as const),
      steps: fc.integer({ min: 0, max: 2 }),
      losesReply: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('delete-records' as const),
      share: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'delete-topic' }) },
);

/** One topic of one partition in Redis and one in the model, to which the same is done. */
class Pair {
  private model = new PartitionModel();
  private nowMs = beginningMs;
  private limits = { retentionMs: 7 * dayMs, retentionBytes: -1 };
  private incarnation = 0;
  private readonly store: PartitionStore;
  /** Of a process whose connections break. */
  private readonly workerStore: PartitionStore;

  constructor(
    private readonly link: RedisLink,
    private readonly worker: { link: RedisLink; proxy: TcpProxy },
    private readonly name: string,
  ) {
    this.store = new PartitionStore(link);
    this.workerStore = new PartitionStore(worker.link);
  }

  private get topic(): Topic {
    const { retentionMs, retentionBytes } = this.limits;
    const configs = {
      'retention.ms': String(retentionMs),
      'retention.bytes': String(retentionBytes),
    };
    const id = `${this.name}-${this.incarnation}`;
    return { name: 'orders', id, partitions: 1, configs, createdAtMs: 0 };
  }

  private get ref(): PartitionRef {
    return { topic: 'orders', topicId: this.topic.id, partition: 0 };
  }

  begin(): Promise<void> {
    return this.store.initPartition(this.ref);
  }

  async end(): Promise<void> {
    await this.store.dropPartitions([this.ref]);
  }

  async take(step: Step): Promise<void> {
    const { model, store, ref } = this;
    switch (step.do) {
      case 'append':
        return this.append(step.batches);
      case 'pass':
        this.nowMs += step.ms;
        return;
      case 'limit':
        this.limits = step;
        return;
      case 'trim':
        return this.trim();
      case 'killed-trim':
        return this.killedTrim(step.steps, step.losesReply);
      case 'delete-records': {
        const beforeOffset = Math.floor(model.logEndOffset * step.share);
        model.deleteRecords(beforeOffset);
        await store.deleteRecords(ref, beforeOffset);
        return;
      }
      case 'delete-topic':
        return this.deleteTopic();
    }
  }

  /** What must be so after each step. */
  async compare(): Promise<void> {
    const { model, store, ref, link } = this;
    expect(await store.bounds(ref)).toEqual(model.bounds());
    expect(await checkPartition(link.read, partitionKeys(link.keyPrefix, ref))).toEqual([]);
  }

  private async append(drafts: { agesMs: number[]; valueBytes: number }[]): Promise<void> {
    const made = drafts.map(({ agesMs, valueBytes }) => {
      const timestampsMs = agesMs.map((ageMs) => this.nowMs - ageMs);
      const value = Buffer.alloc(valueBytes);
      const records = timestampsMs.map((timestampMs) => ({ timestampMs, value }));
      const batch = appendBatch({ records });
      const none = { producerId: -1, producerEpoch: -1, baseSequence: -1 };
      const ofModel: ModelBatch = { bytes: batch.bytes.length, timestampsMs, ...none };
      return { batch, ofModel };
    });
    this.model.append(made.map(({ ofModel }) => ofModel));
    await appendAll(
      this.store,
      this.ref,
      made.map(({ batch }) => batch),
    );
  }

  private async trim(): Promise<void> {
    const before = this.model.bounds();
    this.model.trim({ ...this.limits, nowMs: this.nowMs });
    const { failures, records, batches, bytes } = await this.trimmer().trim(this.topic);
    const after = this.model.bounds();
    expect({ failures, records, batches, bytes }).toEqual({
      failures: [],
      records: after.logStartOffset - before.logStartOffset,
      batches: before.batches - after.batches,
      bytes: before.bytes - after.bytes,
    });
  }

  /** Nothing that is to be kept may have gone, and the next trim does what is left. */
  private async killedTrim(stepsMax: number, losesReply: boolean): Promise<void> {
    const before = this.model.bounds();
    const abort = new AbortController();
    const { link, proxy } = this.worker;
    await eventually(() => link.write.ping());
    let taken = 0;
    const trimmer = this.trimmer(this.workerStore, () => {
      if (++taken <= stepsMax) return;
      if (losesReply) proxy.loseNextReply();
      abort.abort();
    });
    const report = await trimmer.trim(this.topic, abort.signal);
    const isLost = losesReply && taken > stepsMax;
    expect(report.failures).toHaveLength(isLost ? 1 : 0);
    const { logStartOffset } = (await this.store.bounds(this.ref))!;
    this.model.trim({ ...this.limits, nowMs: this.nowMs });
    expect(logStartOffset).toBeGreaterThanOrEqual(before.logStartOffset);
    expect(logStartOffset).toBeLessThanOrEqual(this.model.logStartOffset);
    const rest = await this.trimmer().trim(this.topic);
    expect(rest.failures).toEqual([]);
  }

  private async deleteTopic(): Promise<void> {
    const trimming = this.trimmer().trim(this.topic);
    await this.end();
    expect((await trimming).failures).toEqual([]);
    expect(await this.link.read.keys(`${this.link.keyPrefix}*${this.topic.id}*`)).toEqual([]);
    this.incarnation++;
    this.model = new PartitionModel();
    await this.begin();
  }

  /** @param onStep told before each step */
  private trimmer(store = this.store, onStep: () => void = () => {}): TopicTrimmer {
    const watched = Object.create(store) as PartitionStore;
    watched.trimStep = (ref, rule) => {
      onStep();
      return store.trimStep(ref, rule);
    };
    const clock = { ...systemClock, nowMs: () => this.nowMs };
    return new TopicTrimmer({ store: watched, clock, log: silentLogger });
  }
}

describe('a partition that is trimmed and its model', () => {
  let link: RedisLink;
  let worker: { link: RedisLink; proxy: TcpProxy };

  beforeAll(async () => {
    const redis = await sharedRedis();
    link = await connectLink(redis);
    const proxy = new TcpProxy(redis);
    const url = new URL(redis.adminUrl);
    url.host = `127.0.0.1:${await proxy.start()}`;
    const options = { url: String(url), keyPrefix: link.keyPrefix };
    worker = { proxy, link: await connectLink(redis, options) };
  });

  afterAll(async () => {
    await worker?.link.close();
    await worker?.proxy.stop();
    await link?.close();
    await (await sharedRedis()).stop();
  });

  it(`agree after every step of ${runs} random histories (seed ${seed})`, async () => {
    let count = 0;
    let stepsTaken = 0;
    const histories = fc.array(steps, { minLength: 20, maxLength: 40 });
    const property = fc.asyncProperty(histories, async (history) => {
      const pair = new Pair(link, worker, `history-${count++}`);
      await pair.begin();
      for (const step of history) {
        await pair.take(step);
        await pair.compare();
        stepsTaken++;
      }
      await pair.end();
    });
    await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
    expect(stepsTaken).toBeGreaterThanOrEqual(runs * 20);
  });
});
