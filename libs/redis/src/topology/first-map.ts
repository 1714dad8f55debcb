import type { Clock, Logger } from '@sluice/base';
import { isHopeless } from '../connect-error';
import { RedisStartError } from '../errors';
import { redisLimits } from '../options';

/** What waiting for the nodes of a cluster needs. */
export interface FirstMapTerms {
  clock: Pick<Clock, 'monotonicMs' | 'setTimer'>;
  log: Pick<Logger, 'warn'>;
  waitMsMax: number;
}

/**
 * Reads who serves what until a node says it: all of a cluster may be about to be started, or this
 * process had no time to hear an answer. The log says at once what is waited for and how long, as
 * the addresses may be wrong.
 *
 * @param read is called again every `clusterFirstLookPauseMs`
 * @throws RedisStartError what was met last; at once where time does not cure it
 */
export async function readFirstMap(read: () => Promise<void>, terms: FirstMapTerms): Promise<void> {
  const { clock, log, waitMsMax } = terms;
  const endMs = clock.monotonicMs() + waitMsMax;
  for (let isFirst = true; ; isFirst = false) {
    const failure = await read().then(
      () => null,
      (error: Error) => error,
    );
    if (failure === null) return;
    if (!(failure instanceof RedisStartError) || isHopeless(failure)) throw failure;
    const leftMs = endMs - clock.monotonicMs();
    if (leftMs <= 0) throw tooLate(failure, waitMsMax);
    const error = failure.message.replaceAll(/\n */g, ' ');
    if (isFirst) log.warn(waitingForNodes, { error, waitMsMax });
    const pauseMs = Math.min(leftMs, redisLimits.clusterFirstLookPauseMs);
    await new Promise<void>((resolve) => clock.setTimer(pauseMs, resolve));
  }
}

const waitingForNodes = 'no node of the Redis Cluster can be used; waiting until one can';

function tooLate({ problem, message }: RedisStartError, waitedMs: number): RedisStartError {
  return new RedisStartError(problem, `${message}\nIt was tried for ${waitedMs} ms.`);
}
