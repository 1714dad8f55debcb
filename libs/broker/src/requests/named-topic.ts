import type { Topic } from '@sluice/log';
import { ErrorCode, type ErrorCodeValue, zeroUuid } from '@sluice/wire';
import type { BrokerServices } from './context';

/**
 * The topic that a request names, by id where its version has ids, else by name; or the error that
 * says which of the two is unknown.
 */
export function findTopic(
  { catalog }: BrokerServices,
  named: { name?: string | null; topicId?: string },
): Topic | ErrorCodeValue {
  if (named.topicId !== undefined && named.topicId !== zeroUuid) {
    return catalog.byId(named.topicId) ?? ErrorCode.UNKNOWN_TOPIC_ID;
  }
  return catalog.byName(named.name ?? '') ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

/**
 * Checks the leader epoch that a client believes in (KIP-320): −1 asks for no check.
 */
export function checkLeaderEpoch(claimed: number, current: number): ErrorCodeValue {
  if (claimed === -1 || claimed === current) return ErrorCode.NONE;
  return claimed < current ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH;
}

/** Whether the topic exists and has the partition. */
export function hasPartition(topic: Topic | undefined, partition: number): topic is Topic {
  return topic !== undefined && partition >= 0 && partition < topic.partitions;
}
