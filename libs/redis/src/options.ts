import type { ConnectionOptions } from 'node:tls';
import { RedisStartError } from './errors';
import { tlsTo } from './tls';
import { parseRedisUrl, type TopologyOptions } from './topology/redis-url';

/** Limits of the Redis connections. All can be set through `RedisOptions`. */
export const redisLimits = {
  /** How long `RedisLink.connect` keeps trying when Redis does not answer. */
  connectTimeoutMs: 5_000,
  /**
   * How much longer it tries where Sentinels, or the nodes of a cluster, name a primary that cannot
   * be used: it may be about to be replaced. Sentinels take half a minute for that by default, the
   * nodes of a cluster 15 seconds.
   */
  failoverTimeoutMs: 60_000,
  /** How long `RedisLink.connect` waits for a Redis that is reading its data from disk. */
  loadingTimeoutMs: 300_000,
  /** A connection that owes a reply and receives nothing for this long is broken off. */
  commandStallMs: 5_000,
  /** The first wait before a lost connection is made again; doubled each time. */
  reconnectDelayMinMs: 50,
  reconnectDelayMaxMs: 1_000,
  /** How long a server that came back, and could not be accepted, is left before the next look. */
  arrivalRetryMs: 250,
  /** How often an idle connection is probed, so that one that died silently is noticed. */
  heartbeatMs: 5_000,
  /** How long the number of replicas is remembered. */
  replicaCountAgeMaxMs: 1_000,
  /** Channels in one SUBSCRIBE command when all are subscribed again after a reconnect. */
  channelsPerSubscribeMax: 1_000,
  /**
   * How long a blocking command may wait for something; less than half of `commandStallMs`, so that
   * a connection that died is noticed.
   */
  blockMsMax: 2_000,
  /** The same where what blocks cannot be woken, because CLIENT UNBLOCK is forbidden. */
  blockUnwakeableMsMax: 100,
  /** How long a server that is asked where others are may take to be connected to, or to answer. */
  askedAnswerMsMax: 2_000,
  /** How often the Sentinels are asked whether the primary is another one. */
  sentinelLookEveryMs: 1_000,
  /** How often the nodes of a Redis Cluster are asked who serves what. */
  clusterLookEveryMs: 2_000,
  /** The pause of a start that no node of a Redis Cluster has answered, before it asks again. */
  clusterFirstLookPauseMs: 250,
  /** How many of them are asked at the same time. */
  clusterNodesAskedMax: 5,
  /** How long a server is kept connected that was to get a slot, after it was named last. */
  clusterAwaitedMsMax: 30_000,
  /** What was read so shortly before is not asked for again before a connection is made. */
  clusterMapFreshMs: 100,
  /** How long a call is sent on that no server of a cluster has run, because its slot moves. */
  redirectMsMax: 3_000,
  /** The first pause of such a call where it is not known whereto; doubled each time. */
  redirectPauseMsMin: 10,
  redirectPauseMsMax: 250,
  /** How soon a wake-up is sent again that came before what it was to wake. */
  unblockAgainMs: 2,
  /** How often the append-only file of a Redis of our own is looked at. */
  aofCheckEveryMs: 60_000,
  /** A smaller append-only file is not worth writing anew. */
  aofRewriteBytesMin: 256 * 1024 * 1024,
  /** The share of the file that has to be dead. */
  aofRewriteDeadShareMin: 0.75,
  /** How long a start waits for Redis to write its file anew, and how often it asks. */
  aofRewriteWaitMs: 120_000,
  aofRewritePollMs: 50,
  /** How long `close` waits for replies that are still outstanding. */
  closeTimeoutMs: 1_000,
} as const;

/** Where Redis is, and the limits to keep. */
export interface RedisOptions {
  /**
   * `redis://user:password@host:port/db`, or `rediss://…` for TLS; `redis+sentinel://` and
   * `redis+cluster://` for what docs/redis.md tells.
   */
  url: string;
  /** Put before every key and channel; default `sluice:`. */
  keyPrefix?: string;
  /**
   * The server is Sluice's own and set up for it: its append-only file is written anew only when
   * the gateway asks. Default: false.
   */
  managed?: boolean;
  /** TLS settings for `rediss://`: certificate authorities, client certificate. */
  tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>;
  connectTimeoutMs?: number;
  failoverTimeoutMs?: number;
  loadingTimeoutMs?: number;
  commandStallMs?: number;
  heartbeatMs?: number;
}

/** `RedisOptions` checked, with every default filled in. */
export interface ResolvedOptions {
  /** The URL without the password, for messages. */
  label: string;
  /** Of a single server; of another topology, `Place` tells where a server is. */
  host: string;
  port: number;
  topology: TopologyOptions;
  username: string | undefined;
  password: string | undefined;
  db: number;
  managed: boolean;
  tls: ConnectionOptions | undefined;
  keyPrefix: string;
  connectTimeoutMs: number;
  failoverTimeoutMs: number;
  loadingTimeoutMs: number;
  commandStallMs: number;
  heartbeatMs: number;
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws RedisStartError 'invalid-options'
 */
export function resolveOptions(options: RedisOptions): ResolvedOptions {
  const { label, address, username, password, db, isSecure, topology } = parseRedisUrl(options.url);
  const { tls = {} } = options;
  return {
    label,
    ...address,
    topology,
    username,
    password,
    db,
    managed: options.managed ?? false,
    tls: isSecure ? ofServer(topology, address.host, tls) : undefined,
    keyPrefix: options.keyPrefix ?? 'sluice:',
    connectTimeoutMs: positive('connectTimeoutMs', options.connectTimeoutMs),
    failoverTimeoutMs: positive('failoverTimeoutMs', options.failoverTimeoutMs),
    loadingTimeoutMs: positive('loadingTimeoutMs', options.loadingTimeoutMs),
    commandStallMs: positive('commandStallMs', options.commandStallMs),
    heartbeatMs: positive('heartbeatMs', options.heartbeatMs),
  };
}

/** Of several servers, each has its own name. */
function ofServer(
  { kind }: TopologyOptions,
  host: string,
  tls: ConnectionOptions,
): ConnectionOptions {
  return kind === 'single' ? tlsTo(host, tls) : tls;
}

function positive(name: keyof typeof redisLimits, value: number | undefined): number {
  const result = value ?? redisLimits[name];
  if (!Number.isFinite(result) || result <= 0) {
    const problem = `The Redis setting ${name} must be a positive number of milliseconds.`;
    throw new RedisStartError('invalid-options', problem);
  }
  return result;
}
