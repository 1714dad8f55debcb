import { RecordsError } from '@sluice/records';
import { ErrorCode, ListOffsets, type ErrorCodeValue } from '@sluice/wire';
import type { BrokerServices, RequestContext } from '../context';
import { orStorageError } from '../error-codes';
import { constantLeaderEpoch, type Partition } from '../partitions/partition';
import { handle } from '../registry';
import { checkLeaderEpoch } from '../topics';

/** Timestamps that mean something else, and the first version that knows them. */
const special = {
  latest: { timestamp: -1, since: 1 },
  earliest: { timestamp: -2, since: 1 },
  maxTimestamp: { timestamp: -3, since: 7 },
  earliestLocal: { timestamp: -4, since: 8 },
  latestTiered: { timestamp: -5, since: 9 },
  earliestPendingUpload: { timestamp: -6, since: 11 },
} as const;

interface Found {
  errorCode: ErrorCodeValue;
  offset: number;
  timestamp: number;
  leaderEpoch: number;
}

/**
 * ListOffsets, v1–v10. v4: leader epochs are checked. v7: the record with the largest timestamp.
 * v8: earliest local, which is the log start. v9: latest tiered, which does not exist. A time finds
 * the first record at or after it, inside a batch too. v2's isolation level makes no difference
 * without transactions.
 */
export const listOffsets = handle(ListOffsets, async (context, request) => {
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => {
      const asked = new Map<number, number>();
      for (const { partitionIndex } of partitions) {
        asked.set(partitionIndex, (asked.get(partitionIndex) ?? 0) + 1);
      }
      const found = partitions.map(async (wanted) => {
        const { partitionIndex } = wanted;
        if (asked.get(partitionIndex)! > 1) {
          return { partitionIndex, ...failed(ErrorCode.INVALID_REQUEST) };
        }
        return { partitionIndex, ...(await find(context, name, wanted)) };
      });
      return { name, partitions: await Promise.all(found) };
    }),
  );
  return { topics };
});

function find(
  { services, apiVersion }: RequestContext,
  name: string,
  wanted: { partitionIndex: number; currentLeaderEpoch: number; timestamp: number },
): Promise<Found> | Found {
  const topic = services.catalog.byName(name);
  const partition = topic && services.partitions.get(topic, wanted.partitionIndex);
  if (!partition) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const epochError = checkLeaderEpoch(wanted.currentLeaderEpoch, constantLeaderEpoch);
  if (epochError !== ErrorCode.NONE) return failed(epochError);
  return orStorageError(
    () => findInPartition(services, partition, wanted.timestamp, apiVersion),
    failed,
  ).catch((error: unknown) => {
    // Compressed records are stored unseen, and here they turn out not to be what they should be.
    if (error instanceof RecordsError) return failed(ErrorCode.CORRUPT_MESSAGE);
    throw error;
  });
}

async function findInPartition(
  { partitions }: BrokerServices,
  partition: Partition,
  timestamp: number,
  apiVersion: number,
): Promise<Found> {
  const { store } = partitions;
  if (timestamp >= 0) return atRecord(await store.firstAtOrAfter(partition.ref, timestamp));
  const kind = Object.values(special).find((known) => known.timestamp === timestamp);
  if (!kind || apiVersion < kind.since) return failed(ErrorCode.UNSUPPORTED_VERSION);
  if (kind === special.maxTimestamp) return atRecord(await store.maxTimestamp(partition.ref));
  if (kind === special.latestTiered || kind === special.earliestPendingUpload) return nothing;
  // Always from Redis: whoever asks for the end means the end that any gateway has reached.
  const bounds = await partition.refreshBounds();
  if (!bounds) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const offset = kind === special.latest ? bounds.logEndOffset : bounds.logStartOffset;
  return { errorCode: ErrorCode.NONE, offset, timestamp: -1, leaderEpoch: constantLeaderEpoch };
}

const nothing: Found = { errorCode: ErrorCode.NONE, offset: -1, timestamp: -1, leaderEpoch: -1 };

function atRecord(record: { offset: number; timestampMs: number } | null): Found {
  if (!record) return nothing;
  const { offset, timestampMs } = record;
  return {
    errorCode: ErrorCode.NONE,
    offset,
    timestamp: timestampMs,
    leaderEpoch: constantLeaderEpoch,
  };
}

function failed(errorCode: ErrorCodeValue): Found {
  return { errorCode, offset: -1, timestamp: -1, leaderEpoch: -1 };
}
