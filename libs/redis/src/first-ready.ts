import type { Redis } from 'ioredis';
import type { Clock, Logger, Timer } from '@sluice/base';
import { explainConnectFailure, isHopeless, type ConnectFailure } from './connect-error';
import type { Connection } from './connection';
import { disconnected } from './errors';
import type { ResolvedOptions } from './options';
import type { Place } from './topology/place';

/** What waiting for a connection needs from outside. */
export interface FirstReadyDeps {
  log: Logger;
  clock: Clock;
  /** Ends the wait. */
  signal: AbortSignal;
  /** Given where a primary that is named and cannot be used is waited for: it may be replaced. */
  place?: Place | undefined;
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
  const { signal, place } = deps;
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    let timer: Timer | null = null;
    let isSettled = false;
    const settle = (act: () => void): void => {
      isSettled = true;
      timer?.cancel();
      redis.off('ready', onReady);
      redis.off('error', onError);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const fail = (failure: Omit<ConnectFailure, 'label' | 'server'>): void => {
      const about = { label: options.label, server: connection.server() };
      settle(() => reject(explainConnectFailure({ ...about, ...failure })));
    };
    const onReady = (): void => settle(resolve);
    const onAbort = (): void => settle(() => reject(disconnected('connect')));
    const onError = (error: Error): void => {
      if (isHopeless(error)) fail({ error, timeoutMs: options.connectTimeoutMs });
    };
    redis.on('ready', onReady);
    redis.on('error', onError);
    signal.addEventListener('abort', onAbort);
    const onLate = async (waitedMs: number, hasFailover: boolean): Promise<void> => {
      const loads = await isLoading(redis);
      if (isSettled) return;
      const { loadingTimeoutMs, failoverTimeoutMs } = options;
      const error = connection.lastError();
      if (loads) {
        deps.log.warn('Redis is reading its data from disk; waiting until it is done');
        const loading = new Error('LOADING Redis is reading its data from disk');
        const onTooLate = (): void => fail({ error: loading, timeoutMs: loadingTimeoutMs });
        timer = deps.clock.setTimer(loadingTimeoutMs, onTooLate);
      } else if (place?.isNamed === true && !hasFailover) {
        const problem = error?.message ?? `no answer in ${waitedMs} ms`;
        const terms = { error: problem.replaceAll('\n', ' '), waitMsMax: failoverTimeoutMs };
        deps.log.warn(waitingForFailover, terms);
        const allMs = waitedMs + failoverTimeoutMs;
        timer = deps.clock.setTimer(failoverTimeoutMs, () => void onLate(allMs, true));
      } else fail({ error, timeoutMs: waitedMs, hasFailover });
    };
    const { connectTimeoutMs } = options;
    timer = deps.clock.setTimer(connectTimeoutMs, () => void onLate(connectTimeoutMs, false));
    if (signal.aborted) return onAbort();
    // Its failure shows as an `error` event, and is followed by further attempts.
    redis.connect().catch(() => undefined);
  });
}

const waitingForFailover =
  'the primary of Redis cannot be used; waiting until it can, or another has taken its place';

/** While Redis loads, ioredis does not call the connection ready, but INFO is answered. */
async function isLoading(redis: Redis): Promise<boolean> {
  try {
    return /^loading:1/m.test(await redis.info('persistence'));
  } catch {
    return false;
  }
}
