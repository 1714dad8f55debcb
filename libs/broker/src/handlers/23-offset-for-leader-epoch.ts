import { ErrorCode, OffsetForLeaderEpoch, type ErrorCodeValue } from '@sluice/wire';
import { orStorageError } from '../requests/error-codes';
import { constantLeaderEpoch, type Partition } from '../partitions/partition';
import { handle } from '../requests/handler';
import { checkLeaderEpoch } from '../requests/named-topic';

interface EpochEnd {
  errorCode: ErrorCodeValue;
  leaderEpoch: number;
  endOffset: number;
}

/**
 * OffsetForLeaderEpoch, v2–v4 (v3: replica id, v4: flexible). The one epoch there has been ends at
 * the log end; an epoch that never was is answered with −1.
 */
export const offsetForLeaderEpoch = handle(OffsetForLeaderEpoch, async ({ services }, request) => {
  const topics = request.topics.map(async ({ topic: name, partitions }) => {
    const topic = services.catalog.byName(name);
    const ends = partitions.map(async (wanted) => {
      const partition = topic && services.partitions.get(topic, wanted.partition);
      return { partition: wanted.partition, ...(await endOf(partition, wanted)) };
    });
    return { topic: name, partitions: await Promise.all(ends) };
  });
  return { topics: await Promise.all(topics) };
});

async function endOf(
  partition: Partition | undefined,
  wanted: { currentLeaderEpoch: number; leaderEpoch: number },
): Promise<EpochEnd> {
  if (!partition) return unknown(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const errorCode = checkLeaderEpoch(wanted.currentLeaderEpoch, constantLeaderEpoch);
  if (errorCode !== ErrorCode.NONE) return unknown(errorCode);
  if (wanted.leaderEpoch !== constantLeaderEpoch) return unknown(ErrorCode.NONE);
  return orStorageError(async () => {
    const bounds = await partition.refreshBounds();
    if (!bounds) return unknown(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const { logEndOffset: endOffset } = bounds;
    return { errorCode: ErrorCode.NONE, leaderEpoch: constantLeaderEpoch, endOffset };
  }, unknown);
}

function unknown(errorCode: ErrorCodeValue): EpochEnd {
  return { errorCode, leaderEpoch: -1, endOffset: -1 };
}
