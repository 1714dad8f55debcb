import type { Redis } from 'ioredis';
import { attempt } from './errors';
import type { ServerFacts } from './server';

/** How a write can be brought to the disk at once. */
export interface DiskTerms {
  /** What the server was found to be. */
  facts: Pick<ServerFacts, 'product' | 'version' | 'aofEnabled' | 'settings'>;
  /** The Redis is Sluice's own, so its settings may be changed for a moment. */
  isManaged: boolean;
  timeoutMs: number;
}

/**
 * WAITAOF came with Redis 7.2. Valkey has it too, but 8.1.1 answered before the file was synced
 * where no replica had ever been connected, as keep-on-disk-power-cut.spec.ts showed.
 */
const waitAofVersion = [7, 2] as const;

/**
 * Does a write, and says whether it is surely on the server's disk when it is done: by WAITAOF, or
 * where another server is Sluice's own, by `appendfsync always` for as long as the write takes
 * (then Redis syncs its whole file before it answers). False: nobody knows. That is so for a server
 * without an append-only file, for another one of somebody else, and where the user may not.
 *
 * @throws as `write`
 */
export async function keepOnDisk(
  redis: Redis,
  { facts, isManaged, timeoutMs }: DiskTerms,
  write: () => Promise<unknown>,
): Promise<boolean> {
  const policy = facts.settings.get('appendfsync');
  const changes = isManaged && policy === 'everysec' && !hasWaitAof(facts);
  const changed = changes && facts.aofEnabled && (await setPolicy(redis, 'always'));
  try {
    await write();
  } finally {
    if (changed) await setPolicy(redis, 'everysec');
  }
  if (!facts.aofEnabled) return false;
  if (changed || policy === 'always') return true;
  return hasWaitAof(facts) && (await waitAof(redis, timeoutMs));
}

function hasWaitAof({ product, version }: DiskTerms['facts']): boolean {
  if (product === 'valkey') return false;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > waitAofVersion[0] || (major === waitAofVersion[0] && minor >= waitAofVersion[1]);
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
    // Forbidden, or the connection is gone: then it is time that has to pass.
    return false;
  }
}
