import type { RedisLink } from '@sluice/redis';
import { registryKeys } from '../src/keys';
import { registryMark } from '../src/topics/topic';

/** Keys under the link's prefix but for those of the registry, of which nothing is to be swept. */
export async function leftOver(link: RedisLink): Promise<string[]> {
  const { topics, deleted, version } = registryKeys(link.keyPrefix, link.db);
  expect(await link.read.zrange(deleted, '0', '-1')).toEqual([registryMark]);
  const found = await link.read.keys(`${link.keyPrefix}*`);
  return found.filter((key) => ![topics, deleted, version].includes(key));
}
