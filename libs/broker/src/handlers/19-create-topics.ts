import type { Topic } from '@sluice/log';
import { CreateTopics, ErrorCode, type RequestOf, zeroUuid } from '@sluice/wire';
import {
  assignmentProblem,
  clusterOutcome,
  liveBrokers,
  notControllerRefusal,
  usualReplicationFactor,
} from '../admin-requests/assignments';
import { describeTopicConfigs } from '../admin-requests/described-config';
import { eachItem } from '../admin-requests/items';
import { done, orHalfDone, orRefusal, type Outcome, refuse } from '../admin-requests/outcome';
import { repeatedConfig } from '../admin-requests/resources';
import { createTopic } from '../admin-requests/topic-changes';
import type { BrokerServices, RequestContext } from '../requests/context';
import { handle } from '../requests/handler';

type NewTopic = RequestOf<typeof CreateTopics>['topics'][number];

/** Means: the broker's default. */
const unset = -1;

/**
 * CreateTopics, v2–v7. v4: partitions and replication factor may be left out (taken from older
 * versions too). v5: the response tells size and configs. v7: the topic's id. Replicas are the
 * brokers that may lead a partition: at most as many as are there, 3 where nobody says. Who asks
 * for another number than the usual, or assigns them by hand, has to ask the controller. The
 * copies are made by Redis.
 */
export const createTopics = handle(CreateTopics, async (context, request) => {
  const { timeoutMs, validateOnly } = request;
  const topics = await eachItem(
    context,
    {
      items: request.topics,
      keyOf: ({ name }) => name,
      nameOf: ({ name }) => `topic '${name}'`,
      timeoutMs,
    },
    (topic) => create(context, topic, validateOnly),
    refused,
  );
  return { topics };
});

async function create({ services }: RequestContext, asked: NewTopic, validateOnly: boolean) {
  const { name } = asked;
  const size = sizeOf(services, asked);
  const impossible = typeof size === 'number' ? undefined : size;
  const partitions = typeof size === 'number' ? size : 1;
  const configs = Object.fromEntries(asked.configs.map((config) => [config.name, config.value]));
  // What is wrong with the name is said first, so an impossible size is only checked.
  const terms = { validateOnly: validateOnly || impossible !== undefined };
  const outcome = await orRefusal(() =>
    createTopic(services, { name, partitions, configs }, terms),
  );
  if ('errorCode' in outcome) return refused(asked, outcome);
  if (impossible) return refused(asked, impossible);
  const { created } = outcome;
  if (validateOnly) return accepted(services, asked, created, zeroUuid);
  const halfDone = 'The topic was created, but its replicas were not assigned';
  const assigned = await orHalfDone(halfDone, () => assign(services, created, asked));
  if (assigned.errorCode !== ErrorCode.NONE) return refused(asked, assigned);
  return accepted(services, asked, created, created.id);
}

async function assign(
  { cluster }: BrokerServices,
  topic: Topic,
  { assignments, replicationFactor: factor }: NewTopic,
): Promise<Outcome> {
  if (assignments.length === 0 && isUsual(cluster, factor)) return done;
  const spread = spreadOver(liveBrokers(cluster), topic.partitions, factor);
  const wanted = assignments.length > 0 ? assignments : spread;
  const replicas = new Map(
    wanted.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds]),
  );
  return clusterOutcome(await cluster.assignReplicas(topic, replicas));
}

/** How many partitions a topic is to have, or what makes the request impossible. */
function sizeOf({ cluster }: BrokerServices, asked: NewTopic): number | Outcome {
  const { numPartitions, replicationFactor, assignments, configs } = asked;
  const repeated = repeatedConfig(configs);
  if (repeated) return repeated;
  if (assignments.length > 0) {
    if (numPartitions !== unset || replicationFactor !== unset) {
      const message = 'With manual assignments, partitions and replication factor must be -1';
      return refuse(ErrorCode.INVALID_REQUEST, message);
    }
    const problem = assignmentProblem(assignments, liveBrokers(cluster));
    if (problem) return refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
    const refusal = notControllerRefusal(cluster);
    if (refusal) return refusal;
    return assignments.length;
  }
  if (replicationFactor === 0 || replicationFactor < unset) {
    const message = 'The replication factor must be at least 1, or -1 for the default';
    return refuse(ErrorCode.INVALID_REPLICATION_FACTOR, message);
  }
  return factorRefusal(cluster, replicationFactor) ?? numPartitions;
}

/** Replicas are brokers, so there are at most as many as brokers are there. */
function factorRefusal(cluster: BrokerServices['cluster'], factor: number): Outcome | undefined {
  const live = liveBrokers(cluster).length;
  if (factor > live) {
    const there = live === 1 ? 'is only 1 broker' : `are only ${live} brokers`;
    const message = `The replication factor is ${factor}, but there ${there}`;
    return refuse(ErrorCode.INVALID_REPLICATION_FACTOR, message);
  }
  return isUsual(cluster, factor) ? undefined : notControllerRefusal(cluster);
}

/** Whether the controller gives a topic so many replicas without being asked for it. */
function isUsual(cluster: BrokerServices['cluster'], factor: number): boolean {
  return factor === unset || factor === usualReplicationFactor(cluster);
}

/** By the replication factor that was asked for: each partition's begin one broker further. */
function spreadOver(brokers: readonly number[], partitions: number, factor: number) {
  const at = (index: number) => brokers[index % brokers.length]!;
  return Array.from({ length: partitions }, (_, partitionIndex) => ({
    partitionIndex,
    brokerIds: Array.from({ length: factor }, (_one, i) => at(partitionIndex + i)),
  }));
}

/** @param topicId what was only checked has none that anything could be found by */
function accepted(
  { cluster }: BrokerServices,
  { assignments, replicationFactor }: NewTopic,
  topic: Topic,
  topicId: string,
) {
  const usual = usualReplicationFactor(cluster);
  const asked = replicationFactor === unset ? usual : replicationFactor;
  return {
    name: topic.name,
    topicId,
    ...done,
    numPartitions: topic.partitions,
    replicationFactor: assignments[0]?.brokerIds.length ?? asked,
    configs: describeTopicConfigs(topic).map(({ name, value, readOnly, source }) => {
      return { name, value, readOnly, configSource: source, isSensitive: false };
    }),
  };
}

function refused({ name }: NewTopic, outcome: Outcome) {
  const nothing = { numPartitions: -1, replicationFactor: -1, configs: [] };
  return { name, topicId: zeroUuid, ...outcome, ...nothing };
}
