import { topicNameProblem, type Topic } from '@sluice/log';
import { ErrorCode, Metadata, zeroUuid, type ErrorCodeValue, type RequestOf } from '@sluice/wire';
import { amongBrokers, describeTopic } from '../admin-requests/described-topic';
import { limits } from '../limits';
import { authorizedOperations } from '../requests/authorized-operations';
import type { RequestAllowance } from '../requests/auto-creation';
import type { BrokerServices, RequestContext } from '../requests/context';
import { orReadError } from '../requests/error-codes';
import { handle } from '../requests/handler';
import { inTurns } from '../requests/in-turns';

type NamedTopic = NonNullable<RequestOf<typeof Metadata>['topics']>[number];
type TopicAnswer = Awaited<ReturnType<typeof describeTopic>> | ReturnType<typeof missing>;

/** From this version on the client says whether a topic may be created by asking for it. */
const autoCreationAskedVersion = 4;
/** From this version on a topic may be named by its id. */
const topicIdVersion = 12;

/**
 * Metadata, v0–v12. v0: an empty list means all topics; later null does. v4: auto-creation is
 * asked for. v7: leader epochs. v10: topic ids. v12: topics by id. How many topics are created by
 * being asked for is bounded. v8–v10 tell the cluster's authorized operations, from v8 on the
 * topics': all, for there are no ACLs.
 */
export const metadata = handle(Metadata, async (context, request) => {
  const { services, apiVersion } = context;
  const { cluster, clusterId, catalog } = services;
  const all = request.topics === null || (apiVersion === 0 && request.topics.length === 0);
  const mayCreate = apiVersion < autoCreationAskedVersion || request.allowAutoTopicCreation;
  const topics = all
    ? await inTurns(catalog.list(), limits.topicsAtOnceMax, (one) => describeTopic(services, one))
    : await lookAtAll(context, request.topics!, mayCreate);
  // Read last, in the turn of the answer: what is told of the topics is told of these brokers.
  const brokers = cluster.brokers();
  const live = new Set(brokers.map(({ id }) => id));
  const told = topics.map((topic) => {
    return { ...topic, partitions: amongBrokers(topic.partitions, live) };
  });
  const { includeTopicAuthorizedOperations, includeClusterAuthorizedOperations } = request;
  return {
    brokers: brokers.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId,
    controllerId: cluster.controllerId,
    topics: includeTopicAuthorizedOperations ? told.map(withOperations) : told,
    clusterAuthorizedOperations: authorizedOperations(
      'cluster',
      includeClusterAuthorizedOperations,
    ),
  };
});

/** Looks at, and where need be creates, some topics at a time. */
function lookAtAll(context: RequestContext, all: readonly NamedTopic[], mayCreate: boolean) {
  const { options, autoCreation } = context.services;
  const allowance = mayCreate && options.autoCreateTopics ? autoCreation.forRequest() : null;
  return inTurns(all, limits.adminItemsAtOnceMax, async (named) => look(context, named, allowance));
}

/** @param allowance what the request may create; null where it may not at all */
function look(
  { services, apiVersion }: RequestContext,
  named: NamedTopic,
  allowance: RequestAllowance | null,
): TopicAnswer | Promise<TopicAnswer> {
  const { catalog } = services;
  const byId = apiVersion >= topicIdVersion && named.topicId !== zeroUuid;
  const known = byId ? catalog.byId(named.topicId) : catalog.byName(named.name ?? '');
  if (known) return describeTopic(services, known);
  if (byId) return missing(null, ErrorCode.UNKNOWN_TOPIC_ID, named.topicId);
  const name = named.name ?? '';
  if (topicNameProblem(name)) return missing(name, ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (allowance === null) return missing(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  if (!allowance.take()) return missing(name, ErrorCode.LEADER_NOT_AVAILABLE);
  return create(services, name);
}

/** While Redis fails it is to be asked for again: librdkafka gives up after any other error. */
async function create(services: BrokerServices, name: string): Promise<TopicAnswer> {
  const created = await orReadError(
    () => autoCreate(services, name),
    () => ErrorCode.LEADER_NOT_AVAILABLE,
  );
  if (typeof created === 'number') return missing(name, created);
  return describeTopic(services, created);
}

/** Creates a topic because a client asked for it; the finished topic is answered at once. */
async function autoCreate(
  { catalog, cluster, options, log }: BrokerServices,
  name: string,
): Promise<Topic | ErrorCodeValue> {
  const partitions = options.defaultPartitions;
  const outcome = await catalog.create({ name, partitions, configs: {}, validateOnly: false });
  if ('created' in outcome) {
    log.info('topic created on first use', { topic: name, partitions });
    await cluster.untilPlaced(outcome.created, limits.placedWaitMs);
    return outcome.created;
  }
  // Somebody else was faster: then it is there, or will be when the client asks again.
  if (outcome.refused === 'exists') return catalog.byName(name) ?? ErrorCode.LEADER_NOT_AVAILABLE;
  return ErrorCode.INVALID_TOPIC_EXCEPTION;
}

function missing(name: string | null, errorCode: ErrorCodeValue, topicId: string = zeroUuid) {
  return {
    errorCode,
    name,
    topicId,
    isInternal: false,
    partitions: [],
  };
}

/** Topics that are not there included, as Kafka does. */
function withOperations<T extends object>(answer: T) {
  return { ...answer, topicAuthorizedOperations: authorizedOperations('topic', true) };
}
