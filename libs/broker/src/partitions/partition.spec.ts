import type { AppendBatch, AppendReply, PartitionBounds, PartitionStore } from '@sluice/log';
import { batchAt } from '@sluice/test/support/batches';
import { systemClock, MemoryBudget } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { HotMemory } from './hot-memory';
import { Partition } from './partition';

const ref = { topic: 'orders', topicId: 'x', partition: 0 };

function boundsUpTo(logEndOffset: number): PartitionBounds {
  return {
    logStartOffset: 0,
    logEndOffset,
    bytes: 100,
    batches: 1,
    largestBatchBytes: 100,
    maxTimestampMs: 1,
    leaderEpoch: 0,
  };
}

/** A partition whose answers from Redis come when the test gives them. */
function heldPartition() {
  const bounds: ((bounds: PartitionBounds) => void)[] = [];
  const appends: ((reply: AppendReply) => void)[] = [];
  const store = {
    bounds: () => new Promise((resolve) => bounds.push(resolve)),
    append: (_ref: unknown, _epoch: number, batches: AppendBatch[]) =>
      new Promise((resolve) => appends.push(resolve)).then((reply) => batches && reply),
  };
  const partition = new Partition(ref, {
    store: store as unknown as PartitionStore,
    redis: { write: { stream: {} } } as unknown as RedisLink,
    clock: systemClock,
    hotMemory: new HotMemory(1024 * 1024),
    readAheadBudget: new MemoryBudget(1024 * 1024),
    replicationTimeoutMs: 100,
  });
  return { partition, bounds, appends };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Partition', () => {
  it('knows its own append, though bounds from before it come after the answer', async () => {
    const { partition, bounds, appends } = heldPartition();
    const reading = partition.read(5, 1_000);
    const appended = new Promise((resolve) => partition.append(batchAt(1), 0, resolve));
    await turn();
    const results = [{ kind: 'appended' as const, baseOffset: 5 }];
    appends[0]!({ results, logStartOffset: 0, logEndOffset: 6 });
    await appended;
    bounds[0]!(boundsUpTo(5));
    const outcome = await reading;
    expect(outcome).toMatchObject({ run: { nextOffset: 6 }, highWatermark: 6 });
  });

  it('never gives records beyond the end that it tells', async () => {
    const { partition, bounds, appends } = heldPartition();
    const known = partition.currentBounds();
    bounds[0]!(boundsUpTo(5));
    await known;
    const add = async (offset: number): Promise<void> => {
      const appended = new Promise((resolve) => partition.append(batchAt(1), 0, resolve));
      await turn();
      const results = [{ kind: 'appended' as const, baseOffset: offset }];
      appends.shift()!({ results, logStartOffset: 0, logEndOffset: offset + 1 });
      await appended;
    };
    await add(5);
    // It has the bounds and goes on in the next turn; by then there is one more record.
    const reading = partition.read(5, 1_000);
    partition['ring'].push(batchAt(1).bytes, 6, 7);
    expect(await reading).toMatchObject({ run: { nextOffset: 7 }, highWatermark: 7 });
  });
});
