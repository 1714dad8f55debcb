import { LeadershipLost } from '@sluice/log';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { ErrorCode, type ErrorCodeValue, type Fetch, type ResponseInput } from '@sluice/wire';
import { MemoryBudget } from '@sluice/base';
import { FakeClock } from '@sluice/test/support/fake-clock';
import type { RequestContext } from '../requests/context';
import { fetch } from '../handlers/01-fetch';
import { limits } from '../limits';

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ';
const otherId = 'AAAAAAAAAAAAAAAAAAAAAg';

/** What a fetch uses of a partition; it is empty, and fails where the test says so. */
class EmptyPartition {
  isServing = true;
  changeCount = 0;
  failure: Error | undefined;
  isGone = false;
  readonly #listeners = new Set<() => void>();

  currentBounds() {
    if (this.failure) return Promise.reject(this.failure);
    return Promise.resolve(
      this.isGone ? null : { logStartOffset: 0, logEndOffset: 0, leaderEpoch: 0 },
    );
  }

  read(offset: number) {
    if (offset > 0) return Promise.resolve({ refused: 'out-of-range' });
    return Promise.resolve({ run: null, logStartOffset: 0, highWatermark: 0 });
  }

  onChange(listener: () => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change() {
    this.changeCount++;
    for (const listener of this.#listeners) listener();
  }
}

interface Asked {
  topic?: string;
  topicId?: string;
  partition?: number;
  fetchOffset?: number;
  currentLeaderEpoch?: number;
}

/** A fetch of an empty partition and of another one, which waits 30 s for one byte. */
class WaitBench {
  readonly clock = new FakeClock();
  readonly empty = new EmptyPartition();
  readonly other = new EmptyPartition();
  readonly gone = new AbortController();
  answer: ResponseInput<typeof Fetch> | null = null;

  ask(wanted: Asked[], changes: object = {}): void {
    const topic = { id: topicId, name: 'known', partitions: 2 };
    const services = {
      catalog: {
        byName: (name: string) => (name === 'known' ? topic : undefined),
        byId: (id: string) => (id === topicId ? topic : undefined),
      },
      partitions: { lead: (_: unknown, index: number) => [this.empty, this.other][index] },
      fetchBudget: new MemoryBudget(limits.fetchReplyBytesMax),
      waitingFetches: { count: 0 },
      clock: this.clock,
    };
    const signal = this.gone.signal;
    const about = { apiVersion: 11, onReplySent: () => {} };
    const context = { services, signal, ...about } as unknown as RequestContext;
    const topics = wanted.map(({ topic: name = 'known', topicId: id, ...asked }) => {
      const defaults = { partition: 0, fetchOffset: 0, currentLeaderEpoch: -1 };
      const partitions = [{ ...defaults, partitionMaxBytes: 1000, ...asked }];
      return { topic: name, topicId: id, partitions };
    });
    const waits = { minBytes: 1, maxWaitMs: 30_000, maxBytes: 1000 };
    const request = { sessionId: 0, sessionEpoch: -1, ...waits, topics, ...changes };
    const answer = fetch.run(context, request) as Promise<ResponseInput<typeof Fetch>>;
    void answer.then((response) => (this.answer = response));
  }

  get codes(): number[] | undefined {
    return this.answer?.responses.flatMap((topic) => topic.partitions.map((one) => one.errorCode));
  }

  /** Lets everything happen that needs no time to pass. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

const { NONE } = ErrorCode;

describe('an error that does not end the wait', () => {
  it.each<[string, Asked, ErrorCodeValue]>([
    ['an unknown topic', { topic: 'deleted' }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['an unknown partition', { partition: 2 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['an unknown topic id', { topicId: otherId }, ErrorCode.UNKNOWN_TOPIC_ID],
  ])('%s beside a known one', async (_, asked, code) => {
    const bench = new WaitBench();
    bench.ask([{}, asked]);
    await bench.settle();
    expect(bench.codes).toBeUndefined();
    await bench.clock.advanceAsync(30_000);
    await bench.settle();
    expect(bench.codes).toEqual([NONE, code]);
  });
});

describe('an error that ends the wait', () => {
  it.each<[string, Asked, ErrorCodeValue]>([
    ['an offset out of range', { fetchOffset: 5 }, ErrorCode.OFFSET_OUT_OF_RANGE],
    ['an offset beyond 2^53', { fetchOffset: 2 ** 53 - 1 }, ErrorCode.OFFSET_OUT_OF_RANGE],
    ['an older leader epoch', { currentLeaderEpoch: -2 }, ErrorCode.FENCED_LEADER_EPOCH],
    ['a newer leader epoch', { currentLeaderEpoch: 2 ** 31 - 1 }, ErrorCode.UNKNOWN_LEADER_EPOCH],
  ])('%s', async (_, asked, code) => {
    const bench = new WaitBench();
    bench.ask([{}, { partition: 1, ...asked }]);
    await bench.settle();
    expect(bench.codes).toEqual([NONE, code]);
  });

  it.each<[string, Error, ErrorCodeValue]>([
    ['Redis away', new RedisUnavailable('disconnected', 'away'), ErrorCode.KAFKA_STORAGE_ERROR],
    ['a reply of Redis lost', new UnknownOutcome('read'), ErrorCode.KAFKA_STORAGE_ERROR],
    ['a refused claim', new RedisUnavailable('no-replicas', '…'), ErrorCode.KAFKA_STORAGE_ERROR],
    ['a lost leadership', new LeadershipLost('later'), ErrorCode.NOT_LEADER_OR_FOLLOWER],
  ])('%s', async (_, failure, code) => {
    const bench = new WaitBench();
    bench.other.failure = failure;
    bench.ask([{}, { partition: 1 }]);
    await bench.settle();
    expect(bench.codes).toEqual([NONE, code]);
  });

  it('a partition that goes while the fetch waits', async () => {
    const bench = new WaitBench();
    bench.ask([{}, { partition: 1 }]);
    await bench.settle();
    expect(bench.codes).toBeUndefined();
    bench.other.isGone = true;
    bench.other.change();
    await bench.settle();
    expect(bench.codes).toEqual([NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
  });

  it('a partition that goes, also beside an unknown topic', async () => {
    const bench = new WaitBench();
    bench.ask([{}, { topic: 'deleted' }]);
    await bench.settle();
    expect(bench.codes).toBeUndefined();
    bench.empty.isGone = true;
    bench.empty.change();
    await bench.settle();
    const { UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    expect(bench.codes).toEqual([UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_OR_PARTITION]);
  });
});

describe('a fetch that does not wait at all', () => {
  it.each<[string, Asked[], object]>([
    ['asks for unknown topics only', [{ topic: 'deleted' }, { partition: 2 }], {}],
    ['allows no time', [{}, { topic: 'deleted' }], { maxWaitMs: 0 }],
    ['needs no bytes', [{}, { topic: 'deleted' }], { minBytes: 0 }],
  ])('%s', async (_, wanted, changes) => {
    const bench = new WaitBench();
    bench.ask(wanted, changes);
    await bench.settle();
    expect(bench.codes).toHaveLength(2);
  });

  it('names a fetch session, of which there are none', async () => {
    const bench = new WaitBench();
    bench.ask([{}], { sessionId: 7, sessionEpoch: 1 });
    await bench.settle();
    const { FETCH_SESSION_ID_NOT_FOUND } = ErrorCode;
    expect(bench.answer).toEqual({ errorCode: FETCH_SESSION_ID_NOT_FOUND, responses: [] });
  });

  it('comes while the gateway stops, or from a client that has gone', async () => {
    const bench = new WaitBench();
    bench.gone.abort();
    bench.ask([{}, { topic: 'deleted' }]);
    await bench.settle();
    expect(bench.codes).toHaveLength(2);
  });
});
