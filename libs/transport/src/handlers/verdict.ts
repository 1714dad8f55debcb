import type { StreamAction } from '../context/stream-context';
import { askedDelayMs, streamExceptionKind } from '../errors/stream-exceptions';
import { jittered } from './backoff';
import type { HandlerPolicy } from './policy';

/** How an attempt ended. */
export type AttemptEnd =
  | { readonly kind: 'returned'; readonly action: StreamAction | null }
  | { readonly kind: 'failed'; readonly action: StreamAction | null; readonly error: unknown };

/** Why a record cannot be handled, as its dead letter says it. */
export type DeadLetterReason =
  'undecodable' | 'unroutable' | 'unrecoverable' | 'attempts-exhausted' | 'asked-by-handler';

/** What becomes of the records of an attempt. */
export type Verdict =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly isFailure: boolean }
  | {
      readonly kind: 'dead-letter';
      readonly reason: DeadLetterReason;
      readonly error: unknown;
      /** What a function of the handler's options threw that was asked about the error. */
      readonly fault?: unknown;
    };

/** What the log says where there is a `fault`. */
export const faultOfOptions = 'isRetriable or backoff of a handler has failed';

type Policy = Pick<HandlerPolicy, 'attempts' | 'backoff' | 'jitter' | 'isRetriable' | 'delivery'>;

/**
 * What becomes of records, by how the attempt ended. What the handler asked for goes before what
 * its return or its error would mean, but nobody gets more attempts than there are. Where
 * `isRetriable` or `backoff` throws there are no more: nobody knows when, or whether.
 *
 * @param offset of the first record; it spreads the waits
 */
export function verdictOn(
  end: AttemptEnd,
  attempt: number,
  offset: number,
  policy: Policy,
): Verdict {
  const { action } = end;
  const error = end.kind === 'failed' ? end.error : undefined;
  if (action?.kind === 'acknowledge') return { kind: 'acknowledge' };
  if (action?.kind === 'skip') return { kind: 'skip', reason: action.reason };
  if (action?.kind === 'dead-letter') {
    const asked = error ?? new Error(action.reason);
    return { kind: 'dead-letter', reason: 'asked-by-handler', error: asked };
  }
  if (action === null && end.kind === 'returned') return { kind: 'acknowledge' };
  try {
    return verdictOnFailure(end, attempt, offset, policy);
  } catch (fault) {
    return { kind: 'dead-letter', reason: 'unrecoverable', error: error ?? fault, fault };
  }
}

/** @throws what the policy's own functions throw */
function verdictOnFailure(
  end: AttemptEnd,
  attempt: number,
  offset: number,
  policy: Policy,
): Verdict {
  const action = end.action?.kind === 'retry' ? end.action : null;
  const error = end.kind === 'failed' ? end.error : undefined;
  // Who may be called once is not called twice, whatever it asks for.
  const isFailure = policy.delivery === 'at-most-once' || (action?.isFailure ?? true);
  if (end.kind === 'failed' && isFailure && !mayRetry(error, policy)) {
    return { kind: 'dead-letter', reason: 'unrecoverable', error };
  }
  if (isFailure && attempt >= policy.attempts) {
    const last = error ?? new Error('the handler asked for a retry after the last attempt');
    return { kind: 'dead-letter', reason: 'attempts-exhausted', error: last };
  }
  const delayMs =
    action?.delayMs ??
    askedDelayMs(error) ??
    jittered(policy.backoff(attempt, error), policy.jitter, offset, attempt);
  return { kind: 'retry', delayMs, isFailure };
}

function mayRetry(error: unknown, policy: Policy): boolean {
  const kind = streamExceptionKind(error);
  if (kind !== null) return kind === 'retriable';
  return policy.isRetriable(error);
}
