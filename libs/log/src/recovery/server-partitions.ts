import type { Logger } from '@sluice/base';
import { attempt, type Redis } from '@sluice/redis';
import { partitionKeys, registryKeys, type PartitionRef } from '../keys';
import { registryField, registryMark } from '../topics/topic';

/** The partitions of one server. */
export interface ServerScope {
  /** The server. */
  redis: Redis;
  /** For the registry of topics, which may be on another server. */
  registry?: Redis;
  /** Whether a key is on the server; without it, all are. */
  isHere?: (key: string) => boolean;
  keyPrefix: string;
  log: Logger;
}

/** Of a topic's partitions, those that there may be, or those that there are. */
type Counted = 'prepared' | 'partitions';

type StoredTopic = { name: string; id: string } & Record<Counted, number>;

/**
 * The partitions of all topics of the registry that are on a server.
 *
 * @throws RedisUnavailable | UnknownOutcome when the registry cannot be read
 */
export async function partitionsOf(scope: ServerScope, counted: Counted): Promise<PartitionRef[]> {
  const { topics } = registryKeys(scope.keyPrefix);
  const { redis, registry = redis } = scope;
  const stored = await attempt('log.server-partitions', registry.hgetall(topics));
  const refs: PartitionRef[] = [];
  for (const [field, text] of Object.entries(stored)) {
    if (field === registryMark) continue;
    const topic = readTopic(text);
    if (topic === null) {
      const message = 'a topic cannot be read, so its partitions are not looked after';
      scope.log.error(message, { field });
      continue;
    }
    for (let partition = 0; partition < topic[counted]; partition++) {
      const ref = { topic: topic.name, topicId: topic.id, partition };
      if (isHere(scope, ref)) refs.push(ref);
    }
  }
  return refs;
}

/** Whether a partition is on the server. */
export function isHere(
  { isHere: isOn = () => true, keyPrefix }: Pick<ServerScope, 'isHere' | 'keyPrefix'>,
  ref: PartitionRef,
): boolean {
  return isOn(partitionKeys(keyPrefix, ref).meta);
}

/**
 * Whether the registry says that there is such a partition.
 *
 * @throws RedisUnavailable | UnknownOutcome when the registry cannot be read
 */
export async function isRegistered(
  registry: Redis,
  keyPrefix: string,
  { topic, topicId, partition }: PartitionRef,
): Promise<boolean> {
  const { topics } = registryKeys(keyPrefix);
  const text = await attempt('log.registered', registry.hget(topics, registryField(topic)));
  const stored = text === null ? null : readTopic(text);
  return stored !== null && stored.id === topicId && partition < stored.partitions;
}

/** Also of a newer form: whoever reads it later relies on this. Null: it cannot be read at all. */
function readTopic(text: string): StoredTopic | null {
  try {
    return JSON.parse(text) as StoredTopic;
  } catch {
    return null;
  }
}
