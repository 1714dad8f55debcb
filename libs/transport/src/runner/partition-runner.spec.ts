import type { ConsumedRecord, OwnedPartition } from '@sluice/streams';
import { FakeClock } from '@sluice/test/support/fake-clock';
import type { TopicPlan } from '../handlers/routes';
import { laneOfKey } from './lane';
import { PartitionRunner } from './partition-runner';

const recordAt = (offset: number, key: string | null = null): ConsumedRecord => ({
  topic: 'orders',
  partition: 0,
  offset,
  timestampMs: 0,
  key: key === null ? null : Buffer.from(key),
  value: null,
  headers: [],
  mayBeRepeated: false,
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

function runnerWith(lanes: Partial<TopicPlan['lanes']> = {}, waitMs = 0) {
  const clock = new FakeClock();
  const stopping = new AbortController();
  const lost = new AbortController();
  const acknowledged: number[] = [];
  const released: number[] = [];
  const partition: OwnedPartition = {
    topic: 'orders',
    topicId: 'orders',
    partition: 0,
    group: 'g',
    memberId: 'm',
    stopping: stopping.signal,
    lost: lost.signal,
    acknowledge: (offset) => void acknowledged.push(offset),
    release: (offset) => void released.push(offset),
    lag: () => 0,
  };
  const begun: number[][] = [];
  const ends: (() => void)[] = [];
  const plan: TopicPlan = {
    topic: 'orders',
    events: new Map(),
    request: null,
    lanes: {
      concurrency: 1,
      orderedBy: 'key',
      isBatch: false,
      batchSize: 1,
      batchWaitMs: 0,
      ...lanes,
    },
  };
  const runner = new PartitionRunner({
    clock,
    partition,
    plan,
    waitMsOf: () => waitMs,
    handle: (_runner, records) => {
      begun.push(records.map(({ offset }) => offset));
      return new Promise((resolve) => ends.push(resolve));
    },
  });
  return { clock, stopping, lost, acknowledged, released, begun, ends, runner };
}

describe('PartitionRunner', () => {
  it('begins one after another, and releases what has not begun when it is to stop', async () => {
    const { runner, begun, ends, stopping, released } = runnerWith();
    runner.take([0, 1, 2, 3].map((offset) => recordAt(offset)));
    expect(begun).toEqual([[0]]);
    ends[0]!();
    await settled();
    expect(begun).toEqual([[0], [1]]);
    stopping.abort();
    expect(released).toEqual([2, 3]);
    runner.take([recordAt(4)]);
    expect(released).toEqual([2, 3, 4]);
    ends[1]!();
    await settled();
    expect(begun).toHaveLength(2);
  });

  it('wakes up what waits when it is to stop', async () => {
    const { runner, stopping, clock } = runnerWith();
    const first = runner.wait(100);
    clock.advance(100);
    expect(await first).toBe(true);
    const second = runner.wait(100);
    stopping.abort();
    expect(await second).toBe(false);
    expect(await runner.wait(0)).toBe(false);
    expect(clock.timerCount).toBe(0);
  });

  it('tells nobody of anything once the partition is lost', () => {
    const { runner, lost, acknowledged, released } = runnerWith();
    const told: string[] = [];
    const forget = runner.whenLost(() => told.push('forgotten'));
    runner.whenLost(() => told.push('lost'));
    forget();
    runner.take([recordAt(0), recordAt(1)]);
    lost.abort();
    runner.acknowledge([recordAt(0)]);
    runner.whenLost(() => told.push('late'));
    expect([acknowledged, released]).toEqual([[], []]);
    expect(told).toEqual(['lost', 'late']);
  });

  it('lets a record wait for its time without holding up others', () => {
    const { runner, begun, clock, stopping, released } = runnerWith({ concurrency: 2 }, 50);
    runner.take([recordAt(0, 'a'), recordAt(1, 'b')]);
    expect(begun).toEqual([]);
    clock.advance(50);
    expect(begun.flat().sort()).toEqual([0, 1]);
    runner.take([recordAt(2, 'a')]);
    stopping.abort();
    expect(released).toEqual([2]);
    expect(clock.timerCount).toBe(0);
  });

  it('waits for a full batch, but not for long', async () => {
    const lanes = { isBatch: true, batchSize: 3, batchWaitMs: 20 };
    const { runner, begun, ends, clock } = runnerWith(lanes);
    runner.take([0, 1].map((offset) => recordAt(offset)));
    clock.advance(19);
    expect(begun).toEqual([]);
    runner.take([2, 3].map((offset) => recordAt(offset)));
    expect(begun).toEqual([[0, 1, 2]]);
    ends[0]!();
    await settled();
    expect(begun).toHaveLength(1);
    clock.advance(20);
    expect(begun).toEqual([[0, 1, 2], [3]]);
  });

  it('keeps a key in its lane, and spreads the keys of one partition', () => {
    const lanes = new Set<number>();
    for (let i = 0; i < 200; i++) lanes.add(laneOfKey(Buffer.from(`key-${i}`), 8));
    expect(lanes.size).toBe(8);
    expect(laneOfKey(Buffer.from('alice'), 8)).toBe(laneOfKey(Buffer.from('alice'), 8));
  });
});
