import { EventEmitter, once } from 'node:events';
import {
  LeaderEpochs,
  partitionLimits,
  PartitionWatch,
  type NewWatch,
  type PartitionBounds,
  type PartitionRef,
  type PartitionStore,
} from '@sluice/log';
import { ErrorCode, type Fetch, type ResponseInput } from '@sluice/wire';
import { FakeClock } from '@sluice/test/support/fake-clock';
import type { RequestContext } from '../requests/context';
import { fetch } from '../handlers/01-fetch';
import { TrafficMeter } from '../partitions/traffic-meter';
import { limits } from '../limits';
import { fetchBytesMax } from './fetch-memory';
import { MemoryBudget, silentLogger, silentMetrics } from '@sluice/base';
import { HotMemory } from '../partitions/hot-memory';
import { Partition } from '../partitions/partition';

const empty: PartitionBounds = {
  logStartOffset: 0,
  logEndOffset: 0,
  highWatermark: 0,
  lastStableOffset: 0,
  maxTimestampMs: -1,
  bytes: 0,
  batches: 0,
  largestBatchBytes: 0,
  leaderEpoch: 0,
  leaderEpochs: LeaderEpochs.first,
};
const oneRecord = {
  ...empty,
  logEndOffset: 1,
  highWatermark: 1,
  lastStableOffset: 1,
  bytes: 100,
  batches: 1,
  largestBatchBytes: 100,
};
const batch = { baseOffset: 0, lastOffset: 0, bytes: Buffer.alloc(100), release: () => {} };

const noSubscription = () => Promise.resolve(() => Promise.resolve());

/** A fetch handler over partitions whose bounds come from Redis when the test says so. */
class FetchBench {
  readonly clock = new FakeClock();
  readonly fetchBudget = new MemoryBudget(limits.fetchReplyBytesMax);
  readonly partitions: Partition[];
  readonly watches: PartitionWatch[] = [];
  /** What Redis knows; null is a partition that is deleted. */
  readonly stored: (PartitionBounds | null)[];
  /** What answers to one partition's bounds wait for. */
  held: { partition: number; until: Promise<unknown> } | null = null;

  constructor(count: number) {
    this.stored = Array.from({ length: count }, () => empty);
    const bounds = async ({ partition }: PartitionRef) => {
      const answer = this.stored[partition]!;
      if (this.held?.partition === partition) await this.held.until;
      return answer;
    };
    const store = {
      watch: (ref: PartitionRef, options: NewWatch) => {
        const source = { bounds: () => bounds(ref), subscribe: noSubscription };
        const watch = new PartitionWatch({ source, limits: partitionLimits, ...options });
        this.watches.push(watch);
        return watch;
      },
      readLent: () => Promise.resolve([batch]),
      writer: () => ({ busy: false, callIsOut: false, close: () => {} }),
      confirmer: () => ({ busy: false, close: () => {} }),
    } as unknown as PartitionStore;
    const services = {
      store,
      clock: this.clock,
      cluster: { isSure: true },
      hotMemory: new HotMemory(0),
      readAheadBudget: new MemoryBudget(0),
      replicationTimeoutMs: 1,
      confirmationOf: () => null,
      log: silentLogger,
      traffic: new TrafficMeter(silentMetrics),
      appendTrouble: { note: () => {} },
    };
    const terms = { leadership: -1, onLost: () => {} };
    this.partitions = Array.from({ length: count }, (_, partition) => {
      return new Partition({ topic: 't', topicId: 'id', partition }, terms, services);
    });
  }

  /** Another record is in a partition, and the gateway knows. */
  append(partition: number): void {
    this.stored[partition] = oneRecord;
    this.watches[partition]!.expectBounds()(oneRecord);
  }

  /** Fetches from offset 0; `minBytes` is 1 and the wait 30 s. */
  fetch(partitions: number[], changes: object = {}): Promise<ResponseInput<typeof Fetch>> {
    const context = {
      services: {
        catalog: { byName: () => ({ id: 'id', name: 't', partitions: this.partitions.length }) },
        partitions: { lead: (_: unknown, index: number) => this.partitions[index] },
        fetchBudget: this.fetchBudget,
        waitingFetches: { count: 0 },
        clock: this.clock,
      },
      signal: new AbortController().signal,
      onReplySent: () => {},
    } as unknown as RequestContext;
    const wanted = partitions.map((partition) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: 0,
      partitionMaxBytes: 1000,
    }));
    const topics = [{ topic: 't', partitions: wanted }];
    const waits = { minBytes: 1, maxWaitMs: 30_000 };
    const request = { sessionId: 0, maxBytes: 1000, ...waits, topics, ...changes };
    return fetch.run(context, request) as Promise<ResponseInput<typeof Fetch>>;
  }
}

const sizeOf = (chunks: Buffer | readonly Buffer[]) => Buffer.concat([chunks].flat()).length;

/** Batches of each partition in a response. */
function recordsOf(response: ResponseInput<typeof Fetch>): number[] {
  const partitions = response.responses.flatMap((topic) => topic.partitions);
  return partitions.map(({ records }) => sizeOf(records ?? []) / batch.bytes.length);
}

/** What the fetch has answered by now, without any time passing: what it waits for has happened. */
async function atOnce<T>(response: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    let turns = 20;
    const next = () => (--turns > 0 ? setImmediate(next) : reject(new Error('it waits')));
    next();
  });
  return Promise.race([response, late]);
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a fetch that waits', () => {
  it('sees an append to one partition while it still looks at another', async () => {
    const bench = new FetchBench(2);
    const answers = new EventEmitter();
    bench.held = { partition: 1, until: once(answers, 'go') };
    const response = bench.fetch([0, 1]);
    await settled();
    bench.append(0);
    answers.emit('go');
    expect(recordsOf(await atOnce(response))).toEqual([1, 0]);
  });

  it.each([0, 1, 2])('ends with an append to partition %i of three', async (partition) => {
    const bench = new FetchBench(3);
    const response = bench.fetch([0, 1, 2]);
    await expect(atOnce(response)).rejects.toThrow('it waits');
    bench.append(partition);
    const expected = [0, 0, 0].with(partition, 1);
    expect(recordsOf(await atOnce(response))).toEqual(expected);
  });

  it('ends when its time is up', async () => {
    const bench = new FetchBench(1);
    const response = bench.fetch([0]);
    await bench.clock.advanceAsync(29_999);
    await expect(atOnce(response)).rejects.toThrow('it waits');
    await bench.clock.advanceAsync(1);
    expect(recordsOf(await atOnce(response))).toEqual([0]);
    expect(bench.clock.timerCount).toBe(0);
    expect(bench.watches[0]!.hasListeners).toBe(false);
  });

  it('goes on until it has the bytes that are asked for', async () => {
    const bench = new FetchBench(2);
    const response = bench.fetch([0, 1], { minBytes: 150 });
    await settled();
    bench.append(0);
    await expect(atOnce(response)).rejects.toThrow('it waits');
    bench.append(1);
    expect(recordsOf(await atOnce(response))).toEqual([1, 1]);
  });

  it('is told when a partition is deleted meanwhile', async () => {
    const bench = new FetchBench(2);
    const response = bench.fetch([0, 1]);
    await settled();
    bench.stored[1] = null;
    bench.partitions[1]!.close();
    const { responses } = await atOnce(response);
    const codes = responses[0]!.partitions.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
  });
});

describe('a fetch', () => {
  it('of nothing is answered at once', async () => {
    const bench = new FetchBench(1);
    expect(await atOnce(bench.fetch([], { topics: [] }))).toEqual({ responses: [] });
  });

  it('may name a partition twice', async () => {
    const bench = new FetchBench(1);
    bench.append(0);
    expect(recordsOf(await atOnce(bench.fetch([0, 0])))).toEqual([1, 1]);
  });

  it('gets one batch though it asks for no bytes', async () => {
    const bench = new FetchBench(2);
    bench.append(0);
    bench.append(1);
    expect(recordsOf(await atOnce(bench.fetch([0, 1], { maxBytes: 0 })))).toEqual([1, 0]);
  });

  it('gets less the less memory is free', async () => {
    const bench = new FetchBench(2);
    bench.fetchBudget.take(limits.fetchReplyBytesMax - 4000);
    bench.append(0);
    expect(fetchBytesMax({ fetchBudget: bench.fetchBudget }, 55_000_000)).toBe(
      limits.fetchShareBytesMin,
    );
    bench.fetchBudget.release(100_000_000);
    expect(fetchBytesMax({ fetchBudget: bench.fetchBudget }, 55_000_000)).toBe(25_001_000);
    expect(fetchBytesMax({ fetchBudget: bench.fetchBudget }, 5000)).toBe(5000);
  });
});
