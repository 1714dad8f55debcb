import type { RedisOptions } from '@sluice/redis';

/**
 * How a process finds its log. Settings that a gateway has too are named as there, and mean the
 * same; see docs/settings.md.
 */
export interface StreamsConnectionOptions {
  /** `redis://[[user]:password@]host[:port][/database]`. Default: redis://127.0.0.1:6379. */
  redisUrl?: string;
  /** Default: `sluice:`; that of the gateways. */
  keyPrefix?: string;
  /** TLS settings for `rediss://`. */
  tls?: RedisOptions['tls'];
  /** Begin anew where Redis was found to be emptied. Default: false. */
  acceptEmptyRedis?: boolean;
  /** How long replicas have to confirm what asks for it, ms. Default: 5,000. */
  replicationTimeoutMs?: number;
  /** Topics are made when they are first used. Default: true. */
  autoCreateTopics?: boolean;
  /** Partitions of topics that are made so. Default: 1. */
  defaultPartitions?: number;
  /**
   * True: where Redis does not answer yet, `connect` goes on trying until it does or `close` is
   * called. False, the default: it fails after a few seconds.
   */
  waitForRedis?: boolean;
}

/** The same with every default filled in. */
export interface ResolvedConnectionOptions extends Required<Omit<StreamsConnectionOptions, 'tls'>> {
  tls: RedisOptions['tls'];
}

/** Fills in the defaults; they are those of a gateway. */
export function resolveConnectionOptions(
  given: StreamsConnectionOptions,
): ResolvedConnectionOptions {
  return {
    redisUrl: given.redisUrl ?? 'redis://127.0.0.1:6379',
    keyPrefix: given.keyPrefix ?? 'sluice:',
    tls: given.tls,
    acceptEmptyRedis: given.acceptEmptyRedis ?? false,
    replicationTimeoutMs: given.replicationTimeoutMs ?? 5_000,
    autoCreateTopics: given.autoCreateTopics ?? true,
    defaultPartitions: given.defaultPartitions ?? 1,
    waitForRedis: given.waitForRedis ?? false,
  };
}
