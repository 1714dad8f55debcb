import type { Redis } from 'ioredis';
import { attempt, RedisReplyError, RedisUnavailable } from './errors';
import { parseInfo, type ServerFacts } from './server';

/**
 * How a server says that a write is on its disk: by WAITAOF, or by its answer, where it syncs its
 * file before it answers (`appendfsync always`). Or why it cannot.
 */
export type DiskWord = 'waitaof' | 'always' | { problem: string };

/**
 * Finds out. Valkey's WAITAOF is not believed: 8.1.1 answers before the file is synced, with and
 * without replicas, as keep-on-disk-power-cut.spec.ts showed.
 *
 * @throws as `classify`
 */
export async function askForDiskWord(
  redis: Redis,
  { product }: Pick<ServerFacts, 'product'>,
): Promise<DiskWord> {
  const info = parseInfo(await attempt('INFO persistence', redis.info('persistence')));
  if (info.get('aof_enabled') !== '1') return { problem: 'Redis has no append-only file' };
  if (product === 'redis' && (await mayWaitAof(redis))) return 'waitaof';
  const syncs = await settingOf(redis, 'appendfsync');
  const skips = await settingOf(redis, 'no-appendfsync-on-rewrite');
  if (syncs === 'always' && skips === 'no') return 'always';
  const problem =
    'Redis cannot say that a record is on its disk: WAITAOF (Redis from 7.2 on, not Valkey) may ' +
    'not be used, and appendfsync is not known to be always';
  return { problem };
}

/** Whether the server has the command, and the user may use it. */
async function mayWaitAof(redis: Redis): Promise<boolean> {
  return (await unlessRefused('WAITAOF', redis.call('WAITAOF', 0, 0, 1))) !== null;
}

/** Undefined: the user may not ask. @throws as `classify` */
export async function settingOf(redis: Redis, name: string): Promise<string | undefined> {
  const asked = redis.config('GET', name) as Promise<string[]>;
  return (await unlessRefused('CONFIG GET', asked))?.[1];
}

/**
 * Null where the server has no such command, or not for this user; that no answer comes says
 * nothing of either.
 *
 * @throws as `classify`
 */
async function unlessRefused<T>(what: string, command: Promise<T>): Promise<T | null> {
  try {
    return await attempt(what, command);
  } catch (error) {
    const isDenied = error instanceof RedisUnavailable && error.reason === 'denied';
    if (isDenied || error instanceof RedisReplyError) return null;
    throw error;
  }
}

/**
 * Why what is written cannot be waited for until it is on the disks of the primary and of so many
 * replicas, on some of these servers; null: it can.
 *
 * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
 */
export async function diskProblem(
  shards: readonly { diskWord(): Promise<DiskWord> }[],
  copies: number,
): Promise<string | null> {
  for (const word of await Promise.all(shards.map((shard) => shard.diskWord()))) {
    if (typeof word === 'object') return word.problem;
    if (word === 'always' && copies > 0) {
      return 'without WAITAOF (Redis from 7.2 on) the disks of replicas cannot be waited for';
    }
  }
  return null;
}
