import type { CreateRefusal, Topic, TopicSelector } from '@sluice/log';
import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';
import { limits } from '../limits';
import type { BrokerServices } from '../requests/context';
import { type Outcome, refuse } from './outcome';

/** What a new topic is asked to be. */
export interface AskedTopic {
  name: string;
  /** -1: the broker's default. */
  partitions: number;
  /** As the client sent them; those left out have their defaults. */
  configs: Readonly<Record<string, string | null>>;
}

/** How a change is to be made. */
export interface ChangeTerms {
  /** Only check. */
  validateOnly: boolean;
}

const refusalCodes: Readonly<Record<CreateRefusal, ErrorCodeValue>> = {
  exists: ErrorCode.TOPIC_ALREADY_EXISTS,
  'invalid-name': ErrorCode.INVALID_TOPIC_EXCEPTION,
  collides: ErrorCode.INVALID_TOPIC_EXCEPTION,
  'invalid-partitions': ErrorCode.INVALID_PARTITIONS,
  'invalid-config': ErrorCode.INVALID_CONFIG,
};

/**
 * Creates a topic, or only checks whether it could be.
 *
 * @throws RedisUnavailable | UnknownOutcome as `TopicCatalog.create`
 */
export async function createTopic(
  { catalog, cluster, options, log }: BrokerServices,
  { name, partitions, configs }: AskedTopic,
  { validateOnly }: ChangeTerms,
): Promise<{ created: Topic } | Outcome> {
  const size = partitions === -1 ? options.defaultPartitions : partitions;
  const outcome = await catalog.create({ name, partitions: size, configs, validateOnly });
  if ('refused' in outcome) return refuse(refusalCodes[outcome.refused], outcome.message);
  const { created } = outcome;
  if (validateOnly) return outcome;
  log.info('topic created', { topic: name, partitions: created.partitions });
  await cluster.untilPlaced(created, limits.placedWaitMs);
  return outcome;
}

/**
 * Makes a topic grow to `total` partitions, or only checks whether it could.
 *
 * @throws RedisUnavailable | UnknownOutcome as `TopicCatalog.addPartitions`
 */
export async function addPartitions(
  { catalog, cluster, log }: BrokerServices,
  name: string,
  total: number,
  { validateOnly }: ChangeTerms,
): Promise<{ updated: Topic } | Outcome> {
  const outcome = await catalog.addPartitions(name, total, { validateOnly });
  if ('refused' in outcome) {
    const isUnknown = outcome.refused === 'unknown-topic';
    const { UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS } = ErrorCode;
    return refuse(isUnknown ? UNKNOWN_TOPIC_OR_PARTITION : INVALID_PARTITIONS, outcome.message);
  }
  if (validateOnly) return outcome;
  log.info('topic has more partitions', { topic: name, partitions: total });
  await cluster.untilPlaced(outcome.updated, limits.placedWaitMs);
  return outcome;
}

/**
 * Deletes a topic; null where there is none. Works while Redis is full.
 *
 * @throws RedisUnavailable | UnknownOutcome as `TopicCatalog.delete`
 */
export async function deleteTopic(
  { catalog, log }: BrokerServices,
  selector: TopicSelector,
): Promise<Topic | null> {
  const deleted = await catalog.delete(selector);
  if (deleted) log.info('topic deleted', { topic: deleted.name, topicId: deleted.id });
  return deleted;
}
