import type { AppendListener, NewWriter, PartitionBounds, PartitionStore } from '@sluice/log';
import { batchAt } from '@sluice/test/support/batches';
import { MemoryBudget, silentLogger, systemClock } from '@sluice/base';
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
  let onReply: AppendListener;
  const writer = { busy: false, callIsOut: false, close: () => {} };
  const store = {
    bounds: () => new Promise((resolve) => bounds.push(resolve)),
    writer: (_ref: unknown, options: NewWriter) => {
      ({ onReply } = options);
      return writer;
    },
    wakeChannel: () => 'wake',
  };
  let hear: (message: string) => void;
  const subscribe = (_channel: string, listener: (message: string) => void) => {
    hear = listener;
    return Promise.resolve(() => Promise.resolve());
  };
  const partition = new Partition(ref, {
    store: store as unknown as PartitionStore,
    redis: { subscribe } as unknown as RedisLink,
    clock: systemClock,
    hotMemory: new HotMemory(1024 * 1024),
    readAheadBudget: new MemoryBudget(1024 * 1024),
    replicationTimeoutMs: 100,
    log: silentLogger,
    appendTrouble: { note: () => {} },
  });
  /** The answer to an append of this gateway, of one record. */
  const appended = (baseOffset: number): void => {
    const results = [{ kind: 'appended' as const, baseOffset }];
    onReply([batchAt(1)], { results, logStartOffset: 0, logEndOffset: baseOffset + 1 });
  };
  return { partition, bounds, appended, writer, hear: (message: string) => hear(message) };
}

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
    // It has the bounds and goes on in the next turn; by then there is one more record.
    const reading = partition.read(5, 1_000);
    partition['ring'].push(batchAt(1).bytes, 6, 7);
    expect(await reading).toMatchObject({ run: { nextOffset: 7 }, highWatermark: 7 });
  });
});
