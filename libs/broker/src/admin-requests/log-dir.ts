import type { BrokerServices } from '../requests/context';

/**
 * What stands in the place of the directory that a Kafka broker keeps its logs in: where in Redis
 * they are.
 */
export function logDir({ redis }: Pick<BrokerServices, 'redis'>): string {
  return `redis:${redis.keyPrefix}`;
}
