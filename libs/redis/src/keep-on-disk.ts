import type { Redis } from 'ioredis';
import { settingOf, type DiskWord } from './disk-word';
import { attempt } from './errors';

/** How a write can be brought to the disk at once. */
export interface DiskTerms {
  /** How the server says that a write is there. */
  word: DiskWord;
  /** The Redis is Sluice's own, so its settings may be changed for a moment. */
  isManaged: boolean;
  timeoutMs: number;
}

/**
 * Does a write, and says whether it is surely on the server's disk when it is done: as the server
 * says it (`DiskWord`), or where it cannot and is Sluice's own, by `appendfsync always` for as long
 * as the write takes (then Redis syncs its whole file before it answers). False: nobody knows.
 *
 * @throws as `write`
 */
export async function keepOnDisk(
  redis: Redis,
  { word, isManaged, timeoutMs }: DiskTerms,
  write: () => Promise<unknown>,
): Promise<boolean> {
  const changed = typeof word === 'object' && isManaged && (await syncAlways(redis));
  try {
    await write();
  } finally {
    if (changed) await setPolicy(redis, 'everysec');
  }
  if (word === 'waitaof') return waitAof(redis, timeoutMs);
  return changed || word === 'always';
}

/** Only where that can be taken back, and holds while Redis writes its file anew, too. */
async function syncAlways(redis: Redis): Promise<boolean> {
  const wanted = { appendonly: 'yes', appendfsync: 'everysec', 'no-appendfsync-on-rewrite': 'no' };
  for (const [name, value] of Object.entries(wanted)) {
    if ((await settingOf(redis, name)) !== value) return false;
  }
  return setPolicy(redis, 'always');
}

async function setPolicy(redis: Redis, policy: 'always' | 'everysec'): Promise<boolean> {
  const set = attempt('CONFIG SET', redis.config('SET', 'appendfsync', policy));
  return set.then(
    () => true,
    () => false,
  );
}

async function waitAof(redis: Redis, timeoutMs: number): Promise<boolean> {
  try {
    const reply = attempt('WAITAOF', redis.call('WAITAOF', 1, 0, timeoutMs));
    const [local] = (await reply) as [number, number];
    return local >= 1;
  } catch {
    // The connection is gone: then it is time that has to pass.
    return false;
  }
}
