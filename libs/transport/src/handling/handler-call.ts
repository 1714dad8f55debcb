import type { Clock } from '@sluice/base';
import { isObservable, type Observable } from 'rxjs';
import type { StreamContext } from '../context/stream-context';
import { originalError } from '../errors/original-errors';
import type { Route } from '../handlers/routes';
import type { Attempt } from './attempt';

/** Runs what Nest's hooks of a server stand around. */
export type RunWithHooks = (context: StreamContext, run: () => Promise<void>) => Promise<void>;

/** A call of a handler. */
export interface HandlerCall {
  route: Route;
  data: unknown;
  attempt: Attempt;
  context: StreamContext;
  /** Takes what the handler returns: each value, of an observable. */
  onValue: (value: unknown) => void;
}

/** How it ended. */
export type CallEnd =
  | { readonly kind: 'returned' }
  | {
      readonly kind: 'failed';
      /** What went wrong. */
      readonly error: unknown;
      /** What others may know of it: as Nest's filters left it. */
      readonly told: unknown;
    };

/** The handler took longer than its `handlerTimeoutMs`. */
export class HandlerTimeout extends Error {
  override readonly name = 'HandlerTimeout';

  constructor(timeoutMs: number) {
    super(`the handler did not end within ${timeoutMs} ms`);
  }
}

const returned: CallEnd = { kind: 'returned' };

/**
 * Calls a handler and waits for its end: of its promise, and of the observable that it may return.
 * One without values, as a filter returns that has dealt with an error, ends well.
 */
export async function callHandler(
  call: HandlerCall,
  runWithHooks: RunWithHooks,
  clock: Clock,
): Promise<CallEnd> {
  const { attempt, context, route } = call;
  const { handlerTimeoutMs } = route.policy;
  try {
    const run = () => runWithHooks(context, () => settled(call));
    await (handlerTimeoutMs === 0 ? run() : within(handlerTimeoutMs, run, attempt, clock));
    return returned;
  } catch (error) {
    return { kind: 'failed', error: originalError(context, error), told: error };
  } finally {
    attempt.end();
  }
}

async function settled({ route, data, context, attempt, onValue }: HandlerCall): Promise<void> {
  const result: unknown = await route.callback(data, context);
  // What comes after the time that it had is nobody's answer.
  if (attempt.isOver) return;
  if (!isObservable(result)) return onValue(result);
  await allValuesOf(result, attempt, onValue);
}

/** Resolves when it completes; whoever gives the attempt up unsubscribes from it. */
function allValuesOf(
  values: Observable<unknown>,
  attempt: Attempt,
  onValue: (value: unknown) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const signal = attempt.signal();
    const subscription = values.subscribe({ next: onValue, error: reject, complete: resolve });
    const giveUp = () => {
      subscription.unsubscribe();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    subscription.add(() => signal.removeEventListener('abort', giveUp));
  });
}

function within(
  timeoutMs: number,
  run: () => Promise<void>,
  attempt: Attempt,
  clock: Clock,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => {
      const timeout = new HandlerTimeout(timeoutMs);
      attempt.giveUp(timeout);
      reject(timeout);
    });
    run()
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}
