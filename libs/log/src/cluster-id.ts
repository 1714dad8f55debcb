import type { Random } from '@sluice/base';
import { attempt, type RedisLink } from '@sluice/redis';
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
  const read = () => attempt('log.cluster-id', redis.write.get(clusterId));
  // Only read where it is known: a Redis that is full takes no writes, and still serves its data.
  const known = await read();
  if (known !== null) return known;
  await attempt('log.cluster-id', redis.write.setnx(clusterId, random.uuid()));
  const id = await read();
  if (id === null)
    throw new Error(`${clusterId} vanished: is something else deleting Sluice's keys?`);
  return id;
}
