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

const drainMs = 1_000;
/** The second record is not to be handled before the drain is over. */
const late = ({ offset }: ConsumedRecord) => (offset === 1 ? 2 * drainMs : 0);

function runnerWith(
  lanes: Partial<TopicPlan['lanes']> = {},
  waitMsOf: (record: ConsumedRecord) => number = () => 0,
  isAtMostOnce = false,
) {
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
    unasked: null,
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
    waitMsOf,
    drainMs,
    isAtMostOnce,
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
    const first = runner.wait([recordAt(0)], 100);
    clock.advance(100);
    expect(await first).toBe(true);
    const second = runner.wait([recordAt(0)], 100);
    stopping.abort();
    expect(await second).toBe(false);
    expect(await runner.wait([recordAt(0)], 0)).toBe(false);
    expect(clock.timerCount).toBe(0);
  });

  // Keys of different lanes, of two.
  const [keyOne, keyOther] = ['a', 'b'];

  it('goes on at a stop with what lies before the last record that has begun', async () => {
    const { runner, begun, ends, stopping, released } = runnerWith({ concurrency: 2 });
    const keys = [keyOne, keyOther, keyOne, keyOther, keyOne, keyOther];
    runner.take(keys.map((key, offset) => recordAt(offset, key)));
    for (const at of [1, 2]) {
      ends[at]!();
      await settled();
    }
    // One lane is at 0, the other has done 1 and 3, and is at 5.
    expect(begun).toEqual([[0], [1], [3], [5]]);
    runner.take([recordAt(6, keyOne), recordAt(7, keyOther)]);
    stopping.abort();
    expect(released).toEqual([6, 7]);
    ends[0]!();
    await settled();
    ends[4]!();
    await settled();
    expect(begun.slice(4)).toEqual([[2], [4]]);
  });

  it('waits at a stop for another attempt of what others have overtaken', async () => {
    const { runner, clock, stopping, released } = runnerWith({ concurrency: 2 });
    runner.take([recordAt(0, keyOne), recordAt(1, keyOther), recordAt(2, keyOne)]);
    const soon = runner.wait([recordAt(0)], 10);
    const last = runner.wait([recordAt(1)], 10);
    stopping.abort();
    expect(await last).toBe(false);
    clock.advance(10);
    expect(await soon).toBe(true);
    expect(await runner.wait([recordAt(0)], drainMs)).toBe(false);
    expect(released).toEqual([2]);
  });

  it('begins nothing behind a record that has to be released', async () => {
    const { runner, begun, ends, stopping, released } = runnerWith({ concurrency: 2 }, late);
    const keys = [keyOne, keyOther, keyOther, keyOne, keyOther];
    runner.take(keys.map((key, offset) => recordAt(offset, key)));
    ends[1]!();
    await settled();
    expect(begun).toEqual([[0], [2], [4]]);
    stopping.abort();
    expect(released.sort()).toEqual([1, 3]);
    ends[0]!();
    await settled();
    expect(begun).toHaveLength(3);
  });

  it('handles at a stop what was acknowledged before it came, and what comes yet', async () => {
    const { runner, begun, ends, stopping, released } = runnerWith({}, () => 0, true);
    runner.take([0, 1].map((offset) => recordAt(offset)));
    stopping.abort();
    runner.take([recordAt(2)]);
    for (const at of [0, 1, 2]) {
      ends[at]!();
      await settled();
    }
    expect(begun).toEqual([[0], [1], [2]]);
    expect(released).toEqual([]);
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
    const { runner, begun, clock, stopping, released } = runnerWith({ concurrency: 2 }, () => 50);
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

  it('waits at a stop for no more records to fill a batch', async () => {
    const lanes = { isBatch: true, batchSize: 2, batchWaitMs: 20, concurrency: 2 };
    const { runner, begun, stopping } = runnerWith(lanes);
    runner.take([recordAt(0, 'a'), recordAt(1, 'b'), recordAt(2, 'b')]);
    expect(begun).toEqual([[1, 2]]);
    stopping.abort();
    expect(begun).toEqual([[1, 2], [0]]);
  });

  it('keeps a key in its lane, and spreads the keys of one partition', () => {
    const lanes = new Set<number>();
    for (let i = 0; i < 200; i++) lanes.add(laneOfKey(Buffer.from(`key-${i}`), 8));
    expect(lanes.size).toBe(8);
    expect(laneOfKey(Buffer.from('alice'), 8)).toBe(laneOfKey(Buffer.from('alice'), 8));
  });
});
