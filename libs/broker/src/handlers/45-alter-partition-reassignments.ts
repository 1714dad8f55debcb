import type { Topic } from '@sluice/log';
import { AlterPartitionReassignments, ErrorCode, type RequestOf } from '@sluice/wire';
import {
  clusterOutcome,
  liveBrokers,
  notControllerRefusal,
  replicasProblem,
} from '../admin-requests/assignments';
import { done, orRefusal, type Outcome, refuse } from '../admin-requests/outcome';
import { limits } from '../limits';
import type { BrokerServices } from '../requests/context';
import { handle } from '../requests/handler';
import { inTurns } from '../requests/in-turns';
import { hasPartition } from '../requests/named-topic';

type AskedTopic = RequestOf<typeof AlterPartitionReassignments>['topics'][number];
/** Where a client wants a partition: null cancels a move that is under way. */
type Wish = AskedTopic['partitions'][number];

/**
 * AlterPartitionReassignments, v0–v1 (v1: whether the number of replicas may change). Only the
 * controller does it. Replicas are the brokers that may lead a partition. Nothing has to be copied,
 * so it is done when it is answered, and there is never anything to cancel.
 */
export const alterPartitionReassignments = handle(
  AlterPartitionReassignments,
  async ({ services }, { topics, allowReplicationFactorChange }) => {
    const refusal = notControllerRefusal(services.cluster);
    const responses = await inTurns(topics, limits.adminItemsAtOnceMax, async (asked) => ({
      name: asked.name,
      partitions: await reassignTopic(services, asked, { refusal, allowReplicationFactorChange }),
    }));
    return { ...(refusal ?? done), allowReplicationFactorChange, responses };
  },
);

/** What holds for all partitions of a request. */
interface Terms {
  refusal: Outcome | undefined;
  allowReplicationFactorChange: boolean;
}

async function reassignTopic(services: BrokerServices, asked: AskedTopic, terms: Terms) {
  const topic = services.catalog.byName(asked.name);
  const refusals = asked.partitions.map((wish) => refusalOf(services, asked.name, wish, terms));
  const wanted = asked.partitions.filter((_, at) => refusals[at] === undefined);
  const outcome = topic && (await orRefusal(() => assign(services, topic, wanted)));
  return asked.partitions.map(({ partitionIndex }, at) => ({
    partitionIndex,
    ...(refusals[at] ?? outcome ?? done),
  }));
}

async function assign(
  { cluster }: BrokerServices,
  topic: Topic,
  wanted: readonly Wish[],
): Promise<Outcome> {
  if (wanted.length === 0) return done;
  const replicas = new Map(wanted.map((wish) => [wish.partitionIndex, wish.replicas ?? []]));
  return clusterOutcome(await cluster.assignReplicas(topic, replicas));
}

function refusalOf(
  { catalog, cluster }: BrokerServices,
  name: string,
  { partitionIndex, replicas }: Wish,
  { refusal, allowReplicationFactorChange }: Terms,
): Outcome | undefined {
  if (refusal !== undefined) return refusal;
  const topic = catalog.byName(name);
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (topic === undefined) return refuse(unknown, `There is no topic '${name}'`);
  if (!hasPartition(topic, partitionIndex)) {
    return refuse(unknown, `Topic '${name}' has no partition ${partitionIndex}`);
  }
  if (replicas === null) {
    return refuse(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, 'The partition is not being moved');
  }
  const problem = replicasProblem(replicas, liveBrokers(cluster));
  if (problem !== undefined) {
    return refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `Partition ${partitionIndex}: ${problem}`);
  }
  const before = cluster.placementOf(topic, partitionIndex).replicas.length;
  if (allowReplicationFactorChange || replicas.length === before) return undefined;
  const message = `Partition ${partitionIndex} has ${before} replicas, and not ${replicas.length}`;
  return refuse(ErrorCode.INVALID_REPLICATION_FACTOR, message);
}
