import type { PartitionBounds } from '@sluice/log';
import { ErrorCode } from '@sluice/wire';
import type { Partition } from '../partitions/partition';
import { FetchPlan, type FetchTarget } from './fetch-plan';

const empty: PartitionBounds = {
  logStartOffset: 0,
  logEndOffset: 0,
  bytes: 0,
  batches: 0,
  largestBatchBytes: 0,
  maxTimestampMs: -1,
  leaderEpoch: 0,
};

/** A partition whose bounds are told by hand. */
function heldPartition() {
  const answers: ((bounds: PartitionBounds) => void)[] = [];
  const partition = {
    changeCount: 0,
    currentBounds: () => new Promise((resolve) => answers.push(resolve)),
  };
  return { partition, answer: () => answers.shift()!(empty) };
}

function target(partition: object): FetchTarget {
  return {
    partition: partition as Partition,
    errorCode: ErrorCode.NONE,
    nextOffset: 0,
    bytesMax: 1000,
    chunks: [],
    bytes: 0,
    highWatermark: -1,
    logStartOffset: -1,
    changesSeen: 0,
  };
}

describe('FetchPlan', () => {
  it('knows of what came in while it looked at the other partitions', async () => {
    const [one, other] = [heldPartition(), heldPartition()];
    const plan = new FetchPlan([target(one.partition), target(other.partition)], 1000);
    const look = plan.lookForData();
    one.answer();
    one.partition.changeCount++;
    other.answer();
    await look;
    expect([plan.readableBytes(), plan.changedSinceLook]).toEqual([0, true]);
    const again = plan.lookForData();
    one.answer();
    other.answer();
    await again;
    expect(plan.changedSinceLook).toBe(false);
  });
});
