import type { Redis } from 'ioredis';
import type { Logger } from '@sluice/base';
import { closeConnection, reconnectDelayMs } from './connection';
import { JobRedis, type JobClientOptions } from './job-redis';
import { connectorWith } from './connector';
import { redisLimits, type ResolvedOptions } from './options';
import type { Place } from './topology/place';
import { TransactionRedis } from './transaction-redis';

/** A connection for jobs, and how it is given up. */
export interface JobConnection<Client extends Redis = Redis> {
  /**
   * Connects by itself, again and again. A copy of it (`duplicate`) is for a blocking command: it
   * is not broken off while it owes a reply.
   */
  redis: Client;
  /** Ends it and its copies for good; what waits on them is rejected. */
  close(): Promise<void>;
}

/**
 * How a connection for jobs behaves while Redis is away:
 *
 * - `ask` fails at once, as all other connections of a process do;
 * - `work` waits until Redis is there again, and sends what had no reply once more. Whoever uses it
 *   bounds what waits: a worker has one call out for the next job, one for each job that it has,
 *   and one that renews their locks;
 * - `feed` is made once, fails at once, and never connects again. What it watches is known to its
 *   one connection alone: a transaction that came over another would run without its condition.
 */
export interface JobConnections {
  ask: JobConnection;
  work: JobConnection;
  feed: JobConnection<TransactionRedis>;
}

export type JobConnectionKind = keyof JobConnections;

/** Makes a connection for jobs and begins to connect. */
export function openJobConnection<Kind extends JobConnectionKind>(
  options: ResolvedOptions,
  kind: Kind,
  { log, place }: { log: Logger; place?: Place | undefined },
): JobConnections[Kind] {
  const given = clientOptions(options, kind, place);
  const redis = kind === 'feed' ? new TransactionRedis(given, log) : new JobRedis(given, log);
  // It need not break by itself: the former primary may be cut off from the others alone.
  const unfollow = place?.follow(() => {
    for (const one of [redis, ...redis.copies]) one.disconnect(true);
  });
  const close = async (): Promise<void> => {
    unfollow?.();
    await Promise.all([redis, ...redis.copies].map((one) => closeConnection(one)));
  };
  return { redis, close } as JobConnections[Kind];
}

/** Of servers that have run nothing, because another one has to. */
const hasMoved = /^(READONLY|MOVED) /;
/** Of those that have run nothing either, as it is not settled yet who has to. */
const isMoving = /^(ASK|TRYAGAIN|CLUSTERDOWN)\b/;

function clientOptions(
  options: ResolvedOptions,
  kind: JobConnectionKind,
  place: Place | undefined,
): JobClientOptions {
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
    Connector: place && connectorWith({ place }),
    // A server that is no primary any more, or has not this slot: another one is found.
    reconnectOnError: place && ((error) => afterError(error, place, waits)),
    retryStrategy: kind === 'feed' ? () => null : reconnectDelayMs,
  };
}

/** For ioredis: 1 makes the connection anew, 2 also sends what was refused once more. */
function afterError({ message }: Error, place: Place, waits: boolean): false | 1 | 2 {
  const isSettled = hasMoved.test(message);
  if (!isSettled && !isMoving.test(message)) return false;
  place.isElsewhere?.();
  if (waits) return 2;
  return isSettled ? 1 : false;
}
