import { MemoryBudget, silentLogger, silentMetrics } from '@sluice/base';
import {
  LeaderEpochs,
  partitionLimits,
  PartitionWatch,
  type AppendListener,
  type NewWatch,
  type NewWriter,
  type PartitionBounds,
  type PartitionStore,
} from '@sluice/log';
import { batchAt } from '@sluice/test/support/batches';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { HotMemory } from './hot-memory';
import { TrafficMeter } from './traffic-meter';
import { Partition } from './partition';

const ref = { topic: 'orders', topicId: 'x', partition: 0 };

function boundsUpTo(logEndOffset: number): PartitionBounds {
  return {
    logStartOffset: 0,
    logEndOffset,
    highWatermark: logEndOffset,
    lastStableOffset: logEndOffset,
    bytes: 100,
    batches: 1,
    largestBatchBytes: 100,
    maxTimestampMs: 1,
    leaderEpoch: 0,
    leaderEpochs: LeaderEpochs.first,
  };
}

/** A partition whose answers from Redis come when the test gives them. */
function heldPartition() {
  const bounds: ((bounds: PartitionBounds) => void)[] = [];
  let onReply: AppendListener;
  const store = {
    writer: (_ref: unknown, options: NewWriter) => {
      ({ onReply } = options);
      return { busy: false, callIsOut: false, close: () => {} };
    },
    confirmer: () => ({ busy: false, close: () => {} }),
    watch: (_ref: unknown, options: NewWatch) => {
      const source = {
        bounds: () => new Promise<PartitionBounds>((resolve) => void bounds.push(resolve)),
        subscribe: () => Promise.resolve(() => Promise.resolve()),
      };
      return new PartitionWatch({ source, limits: partitionLimits, ...options });
    },
    readLent: () => Promise.resolve([]),
    findMissing: () => Promise.resolve(null),
  };
  const partition = new Partition(
    ref,
    { leadership: -1, onLost: () => {} },
    {
      store: store as unknown as PartitionStore,
      cluster: { isSure: true },
      clock: new FakeClock(),
      hotMemory: new HotMemory(1024 * 1024),
      readAheadBudget: new MemoryBudget(1024 * 1024),
      replicationTimeoutMs: 100,
      confirmationOf: () => null,
      log: silentLogger,
      traffic: new TrafficMeter(silentMetrics),
      appendTrouble: { note: () => {} },
    },
  );
  /** The answer to an append of this gateway, of one record. */
  const appended = (baseOffset: number, logStartOffset = 0): void => {
    const results = [{ kind: 'appended' as const, baseOffset }];
    const logEndOffset = baseOffset + 1;
    const reply = { results, logStartOffset, logEndOffset, leaderEpoch: 0 };
    onReply([batchAt(1)], reply, null);
  };
  return { partition, bounds, appended };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Partition', () => {
  it('knows its own append, though bounds from before it come after the answer', async () => {
    const { partition, bounds, appended } = heldPartition();
    const reading = partition.read(5, 1_000);
    appended(5);
    bounds[0]!(boundsUpTo(5));
    const outcome = await reading;
    expect(outcome).toMatchObject({ run: { nextOffset: 6 }, highWatermark: 6 });
  });

  it('never gives records beyond the end that it tells', async () => {
    const { partition, bounds, appended } = heldPartition();
    const known = partition.currentBounds();
    bounds[0]!(boundsUpTo(5));
    await known;
    appended(5);
    // It has the bounds and goes on in the next turn; by then there is one more record, of which
    // nobody has said yet that it is for readers.
    const reading = partition.read(5, 1_000);
    partition['ring'].push(batchAt(1).bytes, 6, 7);
    expect(await reading).toMatchObject({ run: { nextOffset: 6 }, highWatermark: 6 });
  });

  it('forgets what is hot when Redis has less than was known', async () => {
    const { partition, bounds, appended } = heldPartition();
    const known = partition.currentBounds();
    bounds[0]!(boundsUpTo(5));
    await known;
    for (const offset of [5, 6, 7]) appended(offset);
    expect(await partition.read(6, 1_000)).toMatchObject({ run: { nextOffset: 8 } });
    const asked = partition.refreshBounds();
    bounds[1]!(boundsUpTo(6));
    await asked;
    const reading = partition.read(7, 1_000);
    await turn();
    bounds[2]!(boundsUpTo(6));
    expect(await reading).toEqual({ refused: 'out-of-range' });
    appended(6);
    expect(partition['ring'].holds(7)).toBe(false);
    expect(partition['ring'].holds(6)).toBe(true);
  });

  it('lets go of what is hot below the log start, whoever has trimmed the log', async () => {
    const { partition, bounds, appended } = heldPartition();
    const known = partition.currentBounds();
    bounds[0]!(boundsUpTo(0));
    await known;
    const heldBytes = (): number => partition['services'].hotMemory.bytesUsed;
    for (let offset = 0; offset < 2_000; offset++) appended(offset);
    const before = heldBytes();
    const asked = partition.refreshBounds();
    bounds[1]!({ ...boundsUpTo(2_000), logStartOffset: 1_990 });
    await asked;
    expect(heldBytes()).toBeLessThan(before);
    expect(partition['ring'].holds(0)).toBe(false);
    expect(partition['ring'].holds(1_990)).toBe(true);
    // Nobody reads, and an append brings the news.
    appended(2_000, 2_001);
    expect(heldBytes()).toBe(0);
  });

  it('is told the log start that is true when nothing comes, though something should', async () => {
    const { partition, bounds } = heldPartition();
    const reading = partition.read(3, 1_000);
    bounds[0]!(boundsUpTo(9));
    await turn();
    bounds[1]!({ ...boundsUpTo(9), logStartOffset: 9 });
    expect(await reading).toEqual({ refused: 'out-of-range' });
  });
});
