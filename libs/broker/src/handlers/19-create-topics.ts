import type { Topic } from '@sluice/log';
import { CreateTopics, ErrorCode, type RequestOf, zeroUuid } from '@sluice/wire';
import {
  assignmentProblem,
  clusterOutcome,
  liveBrokers,
  notControllerRefusal,
} from '../admin-requests/assignments';
import { describeTopicConfigs } from '../admin-requests/described-config';
import { eachItem } from '../admin-requests/items';
import { done, orRefusal, type Outcome, refuse } from '../admin-requests/outcome';
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
 * brokers that may lead a partition; who assigns them by hand has to ask the controller. The
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
  const assigned = await orRefusal(() => assign(services, created, asked));
  if (assigned.errorCode !== ErrorCode.NONE) return refused(asked, assigned);
  return accepted(services, asked, created, created.id);
}

async function assign(
  { cluster }: BrokerServices,
  topic: Topic,
  { assignments }: NewTopic,
): Promise<Outcome> {
  if (assignments.length === 0) return done;
  const replicas = new Map(
    assignments.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds]),
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
  return numPartitions;
}

/** @param topicId what was only checked has none that anything could be found by */
function accepted(
  { cluster }: BrokerServices,
  { assignments }: NewTopic,
  topic: Topic,
  topicId: string,
) {
  const replicas = assignments[0]?.brokerIds ?? cluster.placementOf(topic, 0).replicas;
  return {
    name: topic.name,
    topicId,
    ...done,
    numPartitions: topic.partitions,
    replicationFactor: replicas.length,
    configs: describeTopicConfigs(topic).map(({ name, value, readOnly, source }) => {
      return { name, value, readOnly, configSource: source, isSensitive: false };
    }),
  };
}

function refused({ name }: NewTopic, outcome: Outcome) {
  const nothing = { numPartitions: -1, replicationFactor: -1, configs: [] };
  return { name, topicId: zeroUuid, ...outcome, ...nothing };
}
