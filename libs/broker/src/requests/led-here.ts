import type { Topic } from '@sluice/log';
import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';
import type { Partition } from '../partitions/partition';
import { isElsewhere } from '../partitions/partitions';
import type { BrokerServices } from './context';

/**
 * The error for what a gateway would answer from memory while it is not sure that its session
 * holds: another may lead by now, unless Redis is away, without which nobody does anything.
 */
export function unsureCode({ redis }: Pick<BrokerServices, 'redis'>): ErrorCodeValue {
  const { NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR } = ErrorCode;
  return redis.status().connected ? NOT_LEADER_OR_FOLLOWER : KAFKA_STORAGE_ERROR;
}

/** The partition where this gateway leads it, or Kafka's error for what only its leader does. */
export function ledHere(
  { partitions }: Pick<BrokerServices, 'partitions'>,
  topic: Topic | undefined,
  index: number,
): Partition | ErrorCodeValue {
  const led = topic && partitions.lead(topic, index);
  if (led === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return isElsewhere(led) ? ErrorCode.NOT_LEADER_OR_FOLLOWER : led;
}
