import type { Topic } from '@sluice/log';
import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';
import type { Partition } from '../partitions/partition';
import { isElsewhere } from '../partitions/partitions';
import type { BrokerServices } from './context';

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
