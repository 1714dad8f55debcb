import { ErrorCode, OffsetForLeaderEpoch, type ErrorCodeValue } from '@sluice/wire';
import { orReadError } from '../requests/error-codes';
import type { Partition } from '../partitions/partition';
import { handle } from '../requests/handler';
import { ledHere } from '../requests/led-here';
import { checkLeaderEpoch } from '../requests/named-topic';

interface EpochEnd {
  errorCode: ErrorCodeValue;
  leaderEpoch: number;
  endOffset: number;
}

/**
 * OffsetForLeaderEpoch, v2–v4 (v3: replica id, v4: flexible). An epoch ends where the next one
 * begins, the current one at the log end; one that is yet to come is answered with −1. A gateway
 * that is not sure of its session answers all the same, as Redis is asked each time.
 */
export const offsetForLeaderEpoch = handle(OffsetForLeaderEpoch, async ({ services }, request) => {
  const topics = request.topics.map(async ({ topic: name, partitions }) => {
    const topic = services.catalog.byName(name);
    const ends = partitions.map(async (wanted) => {
      const partition = ledHere(services, topic, wanted.partition);
      return { partition: wanted.partition, ...(await endOf(partition, wanted)) };
    });
    return { topic: name, partitions: await Promise.all(ends) };
  });
  return { topics: await Promise.all(topics) };
});

async function endOf(
  partition: Partition | ErrorCodeValue,
  wanted: { currentLeaderEpoch: number; leaderEpoch: number },
): Promise<EpochEnd> {
  if (typeof partition === 'number') return unknown(partition);
  return orReadError(async () => {
    const bounds = await partition.refreshBounds();
    if (!bounds) return unknown(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const { leaderEpochs, logEndOffset } = bounds;
    const errorCode = checkLeaderEpoch(wanted.currentLeaderEpoch, leaderEpochs.current);
    if (errorCode !== ErrorCode.NONE) return unknown(errorCode);
    const end = leaderEpochs.endOf(wanted.leaderEpoch, logEndOffset);
    if (end === null) return unknown(ErrorCode.NONE);
    return { errorCode, leaderEpoch: end.epoch, endOffset: end.endOffset };
  }, unknown);
}

function unknown(errorCode: ErrorCodeValue): EpochEnd {
  return { errorCode, leaderEpoch: -1, endOffset: -1 };
}
