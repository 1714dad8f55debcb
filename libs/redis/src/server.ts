import type { Redis } from 'ioredis';
import { attempt } from './errors';

/** What Redis says of itself. */
export interface ServerFacts {
  product: 'redis' | 'valkey';
  version: string;
  runId: string;
  replicationId: string;
  formerReplicationId: string;
  mode: string;
  role: string;
  maxmemoryPolicy: string;
  aofEnabled: boolean;
  /** Settings by name; those that this server or user does not show are missing. */
  settings: ReadonlyMap<string, string>;
}

/** Which history of writes a server is on: another value of either means another history. */
export interface HistoryToken {
  runId: string;
  replicationId: string;
  /** Whose history a promoted replica has gone on with; zeros for all others. */
  formerReplicationId: string;
}

/**
 * True when the server has lost nothing between two looks at it: it is the same process, and was
 * nobody's replica meanwhile. The replication id of a primary changes without any loss when its
 * first replica comes, and an hour after the last has gone; only a promotion leaves a former one.
 */
export function sameHistory(before: HistoryToken, now: HistoryToken): boolean {
  if (before.runId !== now.runId) return false;
  return before.replicationId === now.replicationId || /^0*$/.test(now.formerReplicationId);
}

const settingNames = [
  'appendfsync',
  'save',
  'stream-node-max-bytes',
  'maxmemory-policy',
  'auto-aof-rewrite-percentage',
  'min-replicas-to-write',
];

/** The fields of an INFO reply by name. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/**
 * Asks Redis what it is.
 *
 * @param settings as `readSettings` gives them, where they are known
 * @throws as `classify`
 */
export async function readServerFacts(
  redis: Redis,
  settings: ReadonlyMap<string, string> = new Map(),
): Promise<ServerFacts> {
  return factsOf(await attempt('INFO', redis.info()), settings);
}

/**
 * Asks Redis what it is, by short replies alone: on the connection for stream entries long ones do
 * not come as text. What they would tell of memory and persistence is left open.
 *
 * @throws as `classify`
 */
export async function readServerIdentity(redis: Redis): Promise<ServerFacts> {
  const [server, replication] = await Promise.all([
    attempt('INFO server', redis.info('server')),
    attempt('INFO replication', redis.info('replication')),
  ]);
  return factsOf(server + replication, new Map());
}

function factsOf(text: string, settings: ReadonlyMap<string, string>): ServerFacts {
  const info = parseInfo(text);
  const valkeyVersion = info.get('valkey_version');
  return {
    product: valkeyVersion === undefined ? 'redis' : 'valkey',
    version: valkeyVersion ?? info.get('redis_version') ?? '0',
    ...historyOf(info),
    mode: info.get('redis_mode') ?? info.get('server_mode') ?? 'standalone',
    role: info.get('role') ?? 'master',
    maxmemoryPolicy: info.get('maxmemory_policy') ?? settings.get('maxmemory-policy') ?? '',
    aofEnabled: info.get('aof_enabled') === '1',
    settings,
  };
}

/**
 * The number of replicas that are connected and have caught up with their first copy.
 *
 * @throws as `classify`
 */
export async function countReplicas(redis: Redis): Promise<number> {
  const info = parseInfo(await attempt('INFO replication', redis.info('replication')));
  let online = 0;
  for (const [name, value] of info) {
    if (/^slave\d+$/.test(name) && value.includes('state=online')) online += 1;
  }
  return online;
}

/** How much memory the server uses, and may use. */
export interface ServerMemory {
  usedBytes: number;
  /** 0: as much as there is. */
  maxBytes: number;
  /** What happens when it is full; empty where the server does not say. */
  policy: string;
}

/**
 * Asks for the server's memory.
 *
 * @throws as `classify`
 */
export async function readMemory(redis: Redis): Promise<ServerMemory> {
  const info = parseInfo(await attempt('INFO memory', redis.info('memory')));
  return {
    usedBytes: Number(info.get('used_memory') ?? 0),
    maxBytes: Number(info.get('maxmemory') ?? 0),
    policy: info.get('maxmemory_policy') ?? '',
  };
}

/** That of several servers, of which there is one at the least. */
export function totalMemory(all: readonly ServerMemory[]): ServerMemory {
  const sum = (of: (one: ServerMemory) => number): number =>
    all.reduce((total, one) => total + of(one), 0);
  return {
    usedBytes: sum(({ usedBytes }) => usedBytes),
    maxBytes: all.some(({ maxBytes }) => maxBytes === 0) ? 0 : sum(({ maxBytes }) => maxBytes),
    policy: all.find(({ policy }) => policy !== 'noeviction')?.policy ?? all[0]!.policy,
  };
}

function historyOf(info: ReadonlyMap<string, string>): HistoryToken {
  return {
    runId: info.get('run_id') ?? '',
    replicationId: info.get('master_replid') ?? '',
    formerReplicationId: info.get('master_replid2') ?? '',
  };
}

/**
 * How Redis is set up. CONFIG is often forbidden or renamed on rented servers; what it would have
 * told is then unknown.
 */
export async function readSettings(redis: Redis): Promise<ReadonlyMap<string, string>> {
  const settings = new Map<string, string>();
  for (const name of settingNames) {
    try {
      const [, value] = (await redis.config('GET', name)) as string[];
      if (value !== undefined) settings.set(name, value);
    } catch {
      return settings;
    }
  }
  return settings;
}
