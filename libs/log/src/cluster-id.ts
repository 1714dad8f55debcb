import type { Random, RedisLink } from '@sluice/redis';
import { registryKeys } from './keys';

/**
 * The cluster's id, made by whichever gateway asks first and the same for ever after: clients keep
 * it to notice that they were pointed at another cluster. 22 characters of base64url. Safe to
 * repeat.
 *
 * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
 */
export async function ensureClusterId(redis: RedisLink, random: Random): Promise<string> {
  const { clusterId } = registryKeys(redis.keyPrefix);
  await redis.write.setnx(clusterId, random.uuid());
  const id = await redis.write.get(clusterId);
  if (id === null)
    throw new Error(`${clusterId} vanished: is something else deleting Sluice's keys?`);
  return id;
}
