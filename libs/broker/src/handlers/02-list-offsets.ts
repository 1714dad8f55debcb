import { recordsErrorCode } from '@sluice/log';
import { RecordsError } from '@sluice/records';
import { ErrorCode, ListOffsets, type ErrorCodeValue } from '@sluice/wire';
import type { BrokerServices, RequestContext } from '../requests/context';
import { orReadError } from '../requests/error-codes';
import { inTurns } from '../requests/in-turns';
import type { Partition } from '../partitions/partition';
import { handle } from '../requests/handler';
import { ledHere } from '../requests/led-here';
import { checkLeaderEpoch } from '../requests/named-topic';

/** Timestamps that mean something else, and the first version that knows them. */
const special = {
  latest: { timestamp: -1, since: 1 },
  earliest: { timestamp: -2, since: 1 },
  maxTimestamp: { timestamp: -3, since: 7 },
  earliestLocal: { timestamp: -4, since: 8 },
  latestTiered: { timestamp: -5, since: 9 },
  earliestPendingUpload: { timestamp: -6, since: 11 },
} as const;

/** Partitions of one request that are searched at the same time. */
const searchesAtOnceMax = 16;

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
 * without transactions. A gateway that is not sure of its session answers all the same: it asks
 * Redis each time, where the one log is, whoever leads.
 */
export const listOffsets = handle(ListOffsets, async (context, request) => {
  const wanted = request.topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({ name, ...partition })),
  );
  const asked = new Map<string, number>();
  for (const one of wanted) asked.set(keyOf(one), (asked.get(keyOf(one)) ?? 0) + 1);
  const found = await inTurns(wanted, searchesAtOnceMax, async (one) => {
    const { partitionIndex } = one;
    const repeated = asked.get(keyOf(one))! > 1;
    const offset = repeated ? failed(ErrorCode.INVALID_REQUEST) : await find(context, one);
    return { partitionIndex, ...offset };
  });
  let at = 0;
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: found.slice(at, (at += partitions.length)),
  }));
  return { topics };
});

interface Wanted {
  name: string;
  partitionIndex: number;
  currentLeaderEpoch: number;
  timestamp: number;
}

const keyOf = ({ name, partitionIndex }: Wanted) => `${name}/${partitionIndex}`;

function find({ services, apiVersion }: RequestContext, wanted: Wanted): Promise<Found> | Found {
  const topic = services.catalog.byName(wanted.name);
  const partition = ledHere(services, topic, wanted.partitionIndex);
  if (typeof partition === 'number') return failed(partition);
  return orReadError(() => findInPartition(services, partition, wanted, apiVersion), failed).catch(
    (error: unknown) => {
      // Batches are stored as they come: only now does one turn out not to be what it says.
      if (error instanceof RecordsError) return failed(recordsErrorCode(error));
      throw error;
    },
  );
}

async function findInPartition(
  { partitions }: BrokerServices,
  partition: Partition,
  { timestamp, currentLeaderEpoch }: Wanted,
  apiVersion: number,
): Promise<Found> {
  const { store } = partitions;
  // Always from Redis: whoever asks for the end means that of what any gateway has written.
  const bounds = await partition.refreshBounds();
  if (!bounds) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const { leaderEpochs } = bounds;
  const epochError = checkLeaderEpoch(currentLeaderEpoch, leaderEpochs.current);
  if (epochError !== ErrorCode.NONE) return failed(epochError);
  const atRecord = (record: { offset: number; timestampMs: number } | null): Found => {
    // What is not confirmed is not there yet for anybody (as in Kafka).
    if (!record || record.offset >= bounds.highWatermark) return nothing;
    const { offset, timestampMs } = record;
    const leaderEpoch = leaderEpochs.at(offset);
    return { errorCode: ErrorCode.NONE, offset, timestamp: timestampMs, leaderEpoch };
  };
  // What the codec gives for any time beyond 2^53 ms: no record has one, as none is taken.
  if (timestamp === Number.MAX_SAFE_INTEGER) return nothing;
  if (timestamp >= 0) return atRecord(await store.firstAtOrAfter(partition.ref, timestamp));
  const kind = Object.values(special).find((known) => known.timestamp === timestamp);
  if (!kind || apiVersion < kind.since) return failed(ErrorCode.UNSUPPORTED_VERSION);
  if (kind === special.maxTimestamp) return atRecord(await store.maxTimestamp(partition.ref));
  if (kind === special.latestTiered || kind === special.earliestPendingUpload) return nothing;
  const offset = kind === special.latest ? bounds.highWatermark : bounds.logStartOffset;
  const leaderEpoch = leaderEpochs.at(offset);
  return { errorCode: ErrorCode.NONE, offset, timestamp: -1, leaderEpoch };
}

const nothing: Found = { errorCode: ErrorCode.NONE, offset: -1, timestamp: -1, leaderEpoch: -1 };

function failed(errorCode: ErrorCodeValue): Found {
  return { errorCode, offset: -1, timestamp: -1, leaderEpoch: -1 };
}
