import type { Redis } from 'ioredis';
import type { Clock, Logger, Timer } from '@sluice/base';
import { explainConnectFailure, isHopeless } from './connect-error';
import type { Connection } from './connection';
import { disconnected } from './errors';
import type { ResolvedOptions } from './options';

/** What waiting for a connection needs from outside. */
export interface FirstReadyDeps {
  log: Logger;
  clock: Clock;
  /** Ends the wait. */
  signal: AbortSignal;
}

/**
 * Waits until it is ready for the first time, while ioredis tries again and again in the
 * background.
 *
 * @throws RedisStartError where it does not come in time, or cannot; RedisUnavailable where the
 *   wait is ended
 */
export function firstReady(
  connection: Connection,
  options: ResolvedOptions,
  deps: FirstReadyDeps,
): Promise<void> {
  const { redis } = connection;
  const { signal } = deps;
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    let timer: Timer | null = null;
    const settle = (act: () => void): void => {
      timer?.cancel();
      redis.off('ready', onReady);
      redis.off('error', onError);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const fail = (error: Error | null, timeoutMs: number): void => {
      const about = { label: options.label, server: connection.server() };
      settle(() => reject(explainConnectFailure({ ...about, error, timeoutMs })));
    };
    const onReady = (): void => settle(resolve);
    const onAbort = (): void => settle(() => reject(disconnected('connect')));
    const onError = (error: Error): void => {
      if (isHopeless(error)) fail(error, options.connectTimeoutMs);
    };
    redis.on('ready', onReady);
    redis.on('error', onError);
    signal.addEventListener('abort', onAbort);
    const onLate = async (): Promise<void> => {
      const loads = await isLoading(redis);
      if (signal.aborted) return;
      if (!loads) return fail(connection.lastError(), options.connectTimeoutMs);
      deps.log.warn('Redis is reading its data from disk; waiting until it is done');
      const loading = new Error('LOADING Redis is reading its data from disk');
      const onTooLate = (): void => fail(loading, options.loadingTimeoutMs);
      timer = deps.clock.setTimer(options.loadingTimeoutMs, onTooLate);
    };
    timer = deps.clock.setTimer(options.connectTimeoutMs, () => void onLate());
    if (signal.aborted) return onAbort();
    // Its failure shows as an `error` event, and is followed by further attempts.
    redis.connect().catch(() => undefined);
  });
}

/** While Redis loads, ioredis does not call the connection ready, but INFO is answered. */
async function isLoading(redis: Redis): Promise<boolean> {
  try {
    return /^loading:1/m.test(await redis.info('persistence'));
  } catch {
    return false;
  }
}
