import type { Placement } from '@sluice/cluster';
import type { Topic } from '@sluice/log';
import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';
import { limits } from '../limits';
import type { BrokerServices } from '../requests/context';
import { liveBrokers } from './assignments';

/** What a client takes for "not known". */
const unknownEpoch = -1;
/** The leader of a partition that nobody leads. */
const noBroker = -1;

/**
 * A topic with its partitions, or with some of them, as Metadata and DescribeTopicPartitions tell
 * it. The replicas are the brokers that may lead a partition, and those of them that are there are
 * in sync, for each of them finds all of the log in Redis.
 */
export async function describeTopic(
  { cluster, partitions: { store } }: BrokerServices,
  topic: Topic,
  { from = 0, count = topic.partitions }: { from?: number; count?: number } = {},
) {
  const live = new Set(liveBrokers(cluster));
  const placements = cluster.placementsOf(topic);
  const isLedHere = placements.every(({ leaderId }) => leaderId === cluster.selfId);
  // Who leads it elsewhere says nothing when its epoch rises.
  const epochs = await store.leaderEpochs(topic, isLedHere ? Infinity : limits.epochAgeMsMax);
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: false,
    partitions: Array.from({ length: count }, (_, at) => ({
      partitionIndex: from + at,
      leaderEpoch: epochs[from + at] ?? unknownEpoch,
      ...describePlacement(placements[from + at]!, live),
    })),
  };
}

/** A partition as it is told. */
interface DescribedPartition {
  errorCode: ErrorCodeValue;
  leaderId: number;
  replicaNodes: readonly number[];
  isrNodes: readonly number[];
  offlineReplicas: readonly number[];
}

/**
 * Partitions that were described a moment ago, where brokers have gone since: clients look for the
 * leader that they are told among the brokers that they are told, and some fail for good where it
 * is not there.
 *
 * @param live the brokers that the client is told
 */
export function amongBrokers<T extends DescribedPartition>(
  partitions: readonly T[],
  live: ReadonlySet<number>,
): readonly T[] {
  const isThere = (id: number): boolean => live.has(id);
  const isKnown = ({ leaderId, isrNodes }: T): boolean =>
    (leaderId === noBroker || isThere(leaderId)) && isrNodes.every(isThere);
  if (partitions.every(isKnown)) return partitions;
  return partitions.map((one) => {
    const { leaderId, replicaNodes: replicas } = one;
    return { ...one, ...describePlacement({ leaderId, replicas }, live) };
  });
}

function describePlacement(
  { leaderId, replicas }: Pick<Placement, 'leaderId' | 'replicas'>,
  live: ReadonlySet<number>,
) {
  const isLed = live.has(leaderId);
  const inSync = replicas.filter((id) => live.has(id));
  return {
    errorCode: isLed ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
    leaderId: isLed ? leaderId : noBroker,
    replicaNodes: replicas,
    // Any other broker leads where none of them is there.
    isrNodes: inSync.length === 0 && isLed ? [leaderId] : inSync,
    offlineReplicas: replicas.filter((id) => !live.has(id)),
  };
}
