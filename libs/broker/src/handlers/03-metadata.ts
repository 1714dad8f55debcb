import { topicNameProblem, type Topic } from '@sluice/log';
import {
  ErrorCode,
  Metadata,
  noAuthorizedOperations,
  zeroUuid,
  type ErrorCodeValue,
  type RequestOf,
} from '@sluice/wire';
import { limits } from '../limits';
import type { RequestAllowance } from '../requests/auto-creation';
import type { BrokerServices, RequestContext } from '../requests/context';
import { orStorageError } from '../requests/error-codes';
import { handle } from '../requests/handler';
import { inTurns } from '../requests/in-turns';

type NamedTopic = NonNullable<RequestOf<typeof Metadata>['topics']>[number];
type TopicAnswer = Awaited<ReturnType<typeof describe>> | ReturnType<typeof missing>;

/** From this version on the client says whether a topic may be created by asking for it. */
const autoCreationAskedVersion = 4;
/** From this version on a topic may be named by its id. */
const topicIdVersion = 12;
/** Topics whose leader epochs are looked up at the same time; once known, they are remembered. */
const topicsAtOnceMax = 16;
/** What a client takes for "not known". */
const unknownEpoch = -1;

/**
 * Metadata, v0–v12. v0: an empty list means all topics; later null does. v4: auto-creation is asked
 * for. v7: leader epochs. v10: topic ids. v12: topics by id. This gateway is the one broker, leader
 * of everything and controller. How many topics are created by being asked for is bounded. Not
 * covered: authorized operations (v8–v10), which are answered as
 * not known.
 */
export const metadata = handle(Metadata, async (context, request) => {
  const { services, apiVersion } = context;
  const { options, advertised, clusterId, catalog } = services;
  const all = request.topics === null || (apiVersion === 0 && request.topics.length === 0);
  const mayCreate = apiVersion < autoCreationAskedVersion || request.allowAutoTopicCreation;
  const topics = all
    ? await inTurns(catalog.list(), topicsAtOnceMax, (topic) => describe(services, topic))
    : await lookAtAll(context, request.topics!, mayCreate);
  return {
    brokers: [
      { nodeId: options.brokerId, host: advertised.host, port: advertised.port, rack: null },
    ],
    clusterId,
    controllerId: options.brokerId,
    topics,
    clusterAuthorizedOperations: noAuthorizedOperations,
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
  if (known) return describe(services, known);
  if (byId) return missing(null, ErrorCode.UNKNOWN_TOPIC_ID, named.topicId);
  const name = named.name ?? '';
  if (topicNameProblem(name)) return missing(name, ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (allowance === null) return missing(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  if (!allowance.take()) return missing(name, ErrorCode.LEADER_NOT_AVAILABLE);
  return create(services, name);
}

async function create(services: BrokerServices, name: string): Promise<TopicAnswer> {
  const created = await orStorageError(
    () => autoCreate(services, name),
    (code) => code,
  );
  if (typeof created === 'number') return missing(name, created);
  return describe(services, created);
}

/** Creates a topic because a client asked for it; the finished topic is answered at once. */
async function autoCreate(
  { catalog, options, log }: BrokerServices,
  name: string,
): Promise<Topic | ErrorCodeValue> {
  const partitions = options.defaultPartitions;
  const outcome = await catalog.create({ name, partitions, configs: {}, validateOnly: false });
  if ('created' in outcome) {
    log.info('topic created on first use', { topic: name, partitions });
    return outcome.created;
  }
  // Somebody else was faster: then it is there, or will be when the client asks again.
  if (outcome.refused === 'exists') return catalog.byName(name) ?? ErrorCode.LEADER_NOT_AVAILABLE;
  return ErrorCode.INVALID_TOPIC_EXCEPTION;
}

async function describe({ options, partitions: { store } }: BrokerServices, topic: Topic) {
  const { name, id, partitions } = topic;
  const { brokerId } = options;
  const epochs = await store.leaderEpochs(topic);
  return {
    errorCode: ErrorCode.NONE,
    name,
    topicId: id,
    isInternal: false,
    partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
      errorCode: ErrorCode.NONE,
      partitionIndex,
      leaderId: brokerId,
      leaderEpoch: epochs[partitionIndex] ?? unknownEpoch,
      replicaNodes: [brokerId],
      isrNodes: [brokerId],
      offlineReplicas: [],
    })),
    topicAuthorizedOperations: noAuthorizedOperations,
  };
}

function missing(name: string | null, errorCode: ErrorCodeValue, topicId: string = zeroUuid) {
  return {
    errorCode,
    name,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: noAuthorizedOperations,
  };
}
