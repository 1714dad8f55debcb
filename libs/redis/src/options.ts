import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { RedisStartError } from './errors';

/** Limits of the Redis connections. All can be set through `RedisOptions`. */
export const redisLimits = {
  /** How long `RedisLink.connect` keeps trying when Redis does not answer. */
  connectTimeoutMs: 5_000,
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
  /** `redis://user:password@host:port/db`, or `rediss://…` for TLS. */
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
  /** Redis Sentinel. Not supported yet: refused with a message. */
  sentinel?: { name: string; sentinels: readonly { host: string; port: number }[] };
  /** Redis Cluster. Not supported yet: refused with a message. */
  cluster?: { nodes: readonly { host: string; port: number }[] };
  connectTimeoutMs?: number;
  loadingTimeoutMs?: number;
  commandStallMs?: number;
  heartbeatMs?: number;
}

/** `RedisOptions` checked, with every default filled in. */
export interface ResolvedOptions {
  /** The URL without the password, for messages. */
  label: string;
  host: string;
  port: number;
  username: string | undefined;
  password: string | undefined;
  db: number;
  managed: boolean;
  tls: ConnectionOptions | undefined;
  keyPrefix: string;
  connectTimeoutMs: number;
  loadingTimeoutMs: number;
  commandStallMs: number;
  heartbeatMs: number;
}

const urlForm = 'redis://[user:password@]host[:port][/database], or rediss:// for TLS';

/**
 * Checks the options and fills in the defaults.
 *
 * @throws RedisStartError 'invalid-options' or 'unsupported-set-up'
 */
export function resolveOptions(options: RedisOptions): ResolvedOptions {
  refuseUnsupported(options);
  const url = parseUrl(options.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 6379 : Number(url.port);
  const db = databaseOf(url);
  const secure = url.protocol === 'rediss:';
  return {
    label: `${url.protocol}//${url.host}${db === 0 ? '' : `/${db}`}`,
    host,
    port,
    username: decoded(url.username),
    password: decoded(url.password),
    db,
    managed: options.managed ?? false,
    tls: secure ? { ...(isIP(host) === 0 ? { servername: host } : {}), ...options.tls } : undefined,
    keyPrefix: options.keyPrefix ?? 'sluice:',
    connectTimeoutMs: positive('connectTimeoutMs', options.connectTimeoutMs),
    loadingTimeoutMs: positive('loadingTimeoutMs', options.loadingTimeoutMs),
    commandStallMs: positive('commandStallMs', options.commandStallMs),
    heartbeatMs: positive('heartbeatMs', options.heartbeatMs),
  };
}

function refuseUnsupported(options: RedisOptions): void {
  const scheme = /^redis(s)?[-+](sentinel|cluster):/i.exec(options.url)?.[2]?.toLowerCase();
  const sentinel = options.sentinel !== undefined || scheme === 'sentinel';
  const cluster = options.cluster !== undefined || scheme === 'cluster';
  if (!sentinel && !cluster) return;
  throw new RedisStartError(
    'unsupported-set-up',
    [
      `Redis ${sentinel ? 'Sentinel' : 'Cluster'} is not supported yet.`,
      'Supported now: one server, Redis 7.0 or Valkey 7.2 or newer, with or without replicas.',
      `Give the address of the primary: ${urlForm}.`,
    ].join('\n'),
  );
}

function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The text may hold a password, so it is not repeated.
    throw invalid('The Redis URL cannot be read.');
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw invalid(`The Redis URL begins with "${url.protocol}//", which is not known.`);
  }
  if (url.hostname === '') throw invalid('The Redis URL names no host.');
  return url;
}

/** Nothing may follow the database: a `?db=2` or `?tls=true` would have no effect. */
function databaseOf({ pathname, search, hash }: URL): number {
  if (search !== '' || hash !== '') {
    throw invalid('The Redis URL has a part behind ? or #, which has no meaning here.');
  }
  const text = pathname.slice(1);
  if (/^\d{0,9}$/.test(text)) return Number(text);
  throw invalid(`The database in the Redis URL must be a number, not "${text}".`);
}

function decoded(part: string): string | undefined {
  try {
    return part === '' ? undefined : decodeURIComponent(part);
  } catch {
    throw invalid('The user or the password in the Redis URL has a % that encodes nothing (%25).');
  }
}

function positive(name: keyof typeof redisLimits, value: number | undefined): number {
  const result = value ?? redisLimits[name];
  if (!Number.isFinite(result) || result <= 0) {
    throw invalid(`The Redis setting ${name} must be a positive number of milliseconds.`);
  }
  return result;
}

function invalid(message: string): RedisStartError {
  return new RedisStartError('invalid-options', `${message}\nExpected: ${urlForm}.`);
}
