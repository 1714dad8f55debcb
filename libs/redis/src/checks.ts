import { RedisStartError, type StartProblem } from './errors';
import type { ServerFacts } from './server';

/** A line about the server's set-up, for the log. */
export interface Advice {
  level: 'info' | 'warn';
  message: string;
}

const versionMin = { redis: [7, 0], valkey: [7, 2] } as const;

/**
 * From this size on, an entry of the usual 16–64 KiB costs Redis little more than its own bytes.
 */
const streamNodeBytesAdvised = 1024 * 1024;

/**
 * Refuses a server that cannot be used.
 *
 * @param label the server's URL without its password
 * @param isClustered it is to be a node of a Redis Cluster
 * @throws RedisStartError 'version', 'unsupported-set-up', 'replica' or 'eviction'
 */
export function checkServer(facts: ServerFacts, label: string, isClustered = false): void {
  const mode = modeProblem(facts, isClustered);
  const problem = versionProblem(facts) ?? mode ?? evictionProblem(facts, label);
  if (problem === null) return;
  const [kind, ...lines] = problem;
  throw new RedisStartError(kind, [`Redis at ${label} cannot be used.`, ...lines].join('\n'));
}

type Problem = readonly [StartProblem, ...string[]] | null;

function versionProblem({ product, version }: ServerFacts): Problem {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [majorMin, minorMin] = versionMin[product];
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return null;
  return [
    'version',
    `It runs ${product === 'redis' ? 'Redis' : 'Valkey'} ${version}; ` +
      'needed is Redis 7.0 or Valkey 7.2, or newer.',
    'Upgrade it, or set REDIS_URL to a newer server.',
  ];
}

function modeProblem({ mode, role }: ServerFacts, isClustered: boolean): Problem {
  if (mode === 'sentinel') {
    return [
      'unsupported-set-up',
      'It is a Sentinel.',
      'Use redis+sentinel://host:port,…/master name, or the address of the primary itself.',
    ];
  }
  if (mode === 'cluster' && !isClustered) {
    return [
      'unsupported-set-up',
      'It is a node of a Redis Cluster.',
      'Use redis+cluster://host:port,… with the addresses of some nodes.',
    ];
  }
  if (role === 'master') return null;
  return [
    'replica',
    'It is a replica, which takes no writes.',
    'Give the address of its primary (INFO replication shows it as master_host).',
  ];
}

function evictionProblem({ maxmemoryPolicy }: ServerFacts, label: string): Problem {
  if (maxmemoryPolicy === 'noeviction' || maxmemoryPolicy === '') return null;
  return [
    'eviction',
    `Its maxmemory-policy is ${maxmemoryPolicy}: ` +
      'when memory runs out it would silently delete records.',
    'Set it to noeviction, in redis.conf or at once with:',
    `  redis-cli -u ${label} CONFIG SET maxmemory-policy noeviction`,
    'Writes are then refused while memory is full, and nothing that was acknowledged is lost.',
  ];
}

/**
 * What is worth a line in the log about a server that can be used.
 *
 * @param isReplaceable a replica may be promoted while the server still runs
 */
export function adviseOnServer(facts: ServerFacts, isReplaceable = false): Advice[] {
  const advice = [persistenceAdvice(facts)];
  if (isReplaceable && facts.settings.get('min-replicas-to-write') === '0') {
    advice.push({
      level: 'warn',
      message:
        'min-replicas-to-write is 0: a primary that is cut off from its replicas goes on taking ' +
        'writes, which are lost when one of them is promoted. Better 1.',
    });
  }
  if (facts.maxmemoryPolicy === '') {
    advice.push({
      level: 'warn',
      message: 'Redis does not show its maxmemory-policy; make sure that it is noeviction.',
    });
  }
  const nodeBytes = Number(facts.settings.get('stream-node-max-bytes') ?? Number.NaN);
  if (nodeBytes > 0 && nodeBytes < streamNodeBytesAdvised) {
    advice.push({
      level: 'info',
      message:
        `stream-node-max-bytes is ${nodeBytes}; with 1mb, large batches take up to a fifth less ` +
        'memory: redis-cli CONFIG SET stream-node-max-bytes 1mb',
    });
  }
  const growth = facts.settings.get('auto-aof-rewrite-percentage') ?? '0';
  if (facts.aofEnabled && growth !== '0') {
    advice.push({
      level: 'info',
      message:
        `auto-aof-rewrite-percentage is ${growth}: each time the log has grown by that, Redis ` +
        'writes its file anew and gains nothing. Better 0, and BGREWRITEAOF after large deletions.',
    });
  }
  return advice;
}

function persistenceAdvice({ aofEnabled, settings }: ServerFacts): Advice {
  const fsync = settings.get('appendfsync');
  const save = settings.get('save');
  if (aofEnabled && fsync === 'no') {
    const message =
      'Persistence: AOF without fsync. A power cut loses what the operating system had not ' +
      'written, perhaps half a minute. Better: appendfsync everysec, or always.';
    return { level: 'warn', message };
  }
  if (aofEnabled) {
    const loss = fsync === 'always' ? 'nothing' : 'the last second or two';
    const form = fsync === undefined ? 'AOF' : `AOF, appendfsync ${fsync}`;
    return { level: 'info', message: `Persistence: ${form}. A power cut loses ${loss}.` };
  }
  if (save !== undefined && save !== '') {
    const message =
      'Persistence: snapshots only. If Redis stops, all since the last one is lost, perhaps ' +
      'minutes. Better: appendonly yes.';
    return { level: 'warn', message };
  }
  const message =
    save === undefined
      ? 'Persistence: no AOF. If Redis stops, recent records are lost. Better: appendonly yes.'
      : 'Persistence: none. If Redis stops, every record is lost. Better: appendonly yes.';
  return { level: 'warn', message };
}
