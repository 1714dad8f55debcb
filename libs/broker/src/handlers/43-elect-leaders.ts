import type { ClusterOutcome } from '@sluice/cluster';
import type { Topic } from '@sluice/log';
import { ElectLeaders, ErrorCode } from '@sluice/wire';
import { clusterOutcome, notControllerRefusal } from '../admin-requests/assignments';
import { done, orRefusal, type Outcome, refuse } from '../admin-requests/outcome';
import { limits } from '../limits';
import type { BrokerServices } from '../requests/context';
import { handle } from '../requests/handler';
import { inTurns } from '../requests/in-turns';
import { hasPartition } from '../requests/named-topic';

/** Kinds of election: the first replica is to lead; or any, where none does. */
const electionTypes = { preferred: 0, unclean: 1 } as const;

/** Partitions of a topic whose leaders are to be elected. */
interface Asked {
  topic: string;
  partitions: readonly number[];
}

/**
 * ElectLeaders, v0–v2. v1: kinds of election. v2: flexible. Only the controller does it. Where
 * nobody leads, somebody is elected without being asked, and all of the log is there for everybody:
 * so an unclean election is never needed. Asked for all, Kafka names only those that have another
 * leader then, or whose election failed.
 */
export const electLeaders = handle(ElectLeaders, async ({ services }, request) => {
  const { electionType, topicPartitions } = request;
  const refusal = refusalOf(services, electionType);
  const isPreferred = electionType === electionTypes.preferred;
  const asked = topicPartitions ?? (refusal ? [] : allOf(services, isPreferred));
  const replicaElectionResults = await inTurns(asked, limits.adminItemsAtOnceMax, async (one) => {
    const { topic, partitions } = one;
    const elected = refusal ? null : await elect(services, one, isPreferred);
    const partitionResult = partitions.map((partitionId) => {
      return { partitionId, ...(refusal ?? elected!.get(partitionId)!) };
    });
    return { topic, partitionResult };
  });
  return { errorCode: (refusal ?? done).errorCode, replicaElectionResults };
});

function refusalOf({ cluster }: BrokerServices, electionType: number): Outcome | undefined {
  const isKnown = Object.values<number>(electionTypes).includes(electionType);
  if (isKnown) return notControllerRefusal(cluster);
  return refuse(ErrorCode.INVALID_REQUEST, `Unknown election type ${electionType}`);
}

/** All topics, each with the partitions for which an election is needed. */
function allOf({ catalog, cluster }: BrokerServices, isPreferred: boolean): Asked[] {
  return catalog.list().map((topic) => {
    const partitions = cluster.placementsOf(topic).flatMap(({ leaderId, replicas }, index) => {
      return isPreferred && replicas.length > 0 && replicas[0] !== leaderId ? [index] : [];
    });
    return { topic: topic.name, partitions };
  });
}

/** What became of each of the partitions of a topic. */
async function elect(
  { catalog, cluster }: BrokerServices,
  { topic: name, partitions }: Asked,
  isPreferred: boolean,
): Promise<ReadonlyMap<number, Outcome>> {
  const topic = catalog.byName(name);
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  const outcomes = new Map<number, Outcome>();
  const known: number[] = [];
  for (const partition of new Set(partitions)) {
    if (topic !== undefined && hasPartition(topic, partition)) known.push(partition);
    const what = topic && `Topic '${name}' has no partition ${partition}`;
    outcomes.set(partition, refuse(unknown, what ?? `There is no topic '${name}'`));
  }
  if (topic === undefined || known.length === 0) return outcomes;
  const decided = isPreferred
    ? await preferredOutcomes(cluster, topic, known)
    : (partition: number) => uncleanOutcome(cluster.placementOf(topic, partition).leaderId);
  for (const partition of known) outcomes.set(partition, decided(partition));
  return outcomes;
}

/** One write for all of them, which has failed for all where Redis is away. */
async function preferredOutcomes(
  cluster: BrokerServices['cluster'],
  topic: Topic,
  partitions: readonly number[],
): Promise<(partition: number) => Outcome> {
  let elected: ReadonlyMap<number, ClusterOutcome> = new Map();
  const whole = await orRefusal(async () => {
    elected = await cluster.electPreferred(topic, partitions);
    return done;
  });
  return (partition) => {
    const outcome = elected.get(partition);
    return outcome === undefined ? whole : clusterOutcome(outcome);
  };
}

function uncleanOutcome(leaderId: number): Outcome {
  if (leaderId !== -1) return clusterOutcome('not-needed');
  return refuse(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, 'Nobody is there who could lead');
}
