import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '@sluice/base';
import { closeConnection, reconnectDelayMs } from './connection';
import { redisLimits, type ResolvedOptions } from './options';

/**
 * How a connection for jobs behaves while Redis is away:
 *
 * - `ask` fails at once, as all other connections of a process do;
 * - `work` waits until Redis is there again, and sends what had no reply once more. Whoever uses it
 *   bounds what waits: a worker has one call out for the next job, one for each job that it has,
 *   and one that renews their locks.
 */
export type JobConnectionKind = 'ask' | 'work';

/** A connection for jobs, and how it is given up. */
export interface JobConnection {
  /**
   * Connects by itself, again and again. A copy of it (`duplicate`) is for a blocking command: it
   * is not broken off while it owes a reply.
   */
  redis: Redis;
  /** Ends it and its copies for good; what waits on them is rejected. */
  close(): Promise<void>;
}

/** Replies as they have always been, whatever the protocol. */
type ClientOptions = RedisOptions & { replyMapping?: 'legacy' };

/** Redis with the options of a connection for jobs, which its copies have too. */
export class JobRedis extends Redis {
  /** Copies that were made for blocking commands. */
  readonly copies: Redis[] = [];

  constructor(
    private readonly given: ClientOptions,
    private readonly log: Logger,
  ) {
    super(given);
    this.on('error', (error: Error & { command?: { name?: string } }) => {
      // ioredis would go on in database 0, which is another's.
      if (error.command?.name === 'select') this.disconnect(true);
      const { connectionName: role } = given;
      this.log.debug('Redis connection for jobs failed', { role, error: error.message });
    });
  }

  override duplicate(): Redis {
    const blocking = { connectionName: 'sluice-jobs-wait', socketTimeout: undefined };
    const copy = new JobRedis({ ...this.given, ...blocking }, this.log);
    this.copies.push(copy);
    return copy;
  }
}

/** What ioredis is told of a connection for jobs. */
export function jobClientOptions(options: ResolvedOptions, kind: JobConnectionKind): ClientOptions {
  const waits = kind === 'work';
  return {
    host: options.host,
    port: options.port,
    username: options.username,
    password: options.password,
    db: options.db,
    tls: options.tls,
    connectionName: `sluice-jobs-${kind}`,
    // As for all connections; see openConnection.
    protocol: 2,
    connectTimeout: options.connectTimeoutMs,
    socketTimeout: options.commandStallMs,
    disconnectTimeout: redisLimits.closeTimeoutMs,
    maxRetriesPerRequest: waits ? null : 0,
    autoResendUnfulfilledCommands: waits,
    enableOfflineQueue: waits,
    autoResubscribe: false,
    enableReadyCheck: true,
    maxLoadingRetryTime: redisLimits.reconnectDelayMaxMs,
    disableClientInfo: true,
    retryStrategy: reconnectDelayMs,
  };
}

/** Makes a connection for jobs and begins to connect. */
export function openJobConnection(
  options: ResolvedOptions,
  kind: JobConnectionKind,
  log: Logger,
): JobConnection {
  const redis = new JobRedis(jobClientOptions(options, kind), log);
  const close = async (): Promise<void> => {
    await Promise.all([redis, ...redis.copies].map((one) => closeConnection(one)));
  };
  return { redis, close };
}
