import type { Api, RequestOf, ResponseInput } from '@sluice/wire';
import { CloseConnection } from './close-connection';
import type { RequestContext } from './context';
import { promiseOf } from './later-answer';

/**
 * What is done to a request:
 *
 * - `pass`: nothing; it is only counted
 * - `drop-request`: its connection is closed before it has run
 * - `drop-reply`: it runs, and then its connection is closed in place of the reply
 * - `delayMs`, `delayUntil`: it runs so much later, or once the promise is settled; at once when
 *   its client is gone or the broker stops
 * - `answer`: it does not run, and this is the reply
 */
export type InterceptAction<A extends Api> =
  | 'pass'
  | 'drop-request'
  | 'drop-reply'
  | { delayMs: number }
  | { delayUntil: Promise<unknown> }
  | { answer: (request: RequestOf<A>) => ResponseInput<A> };

/** Which requests are meant; without any of it all of the API, until it is taken back. */
export interface InterceptOptions<A extends Api> {
  /** Only the first so many; then it takes itself back. */
  times?: number;
  /** Only those for which this is true. */
  when?: (request: RequestOf<A>, by: { apiVersion: number; clientId: string }) => boolean;
}

/** An interception that was set. */
export interface Interception {
  /** Requests that it has applied to so far. */
  readonly count: number;
  /** Takes it back; requests that it has begun with go their way. Harmless when repeated. */
  remove(): void;
}

/** The interceptions of one API key, as the listener asks for them. */
export interface KeyInterceptions {
  /**
   * Runs a request, or does what the first interception that applies wants done in its place.
   *
   * @param run the handler, with what it would answer
   */
  apply(context: RequestContext, request: unknown, run: () => unknown): unknown;
}

interface Rule {
  count: number;
  timesLeft: number;
  action: InterceptAction<Api>;
  when: (request: unknown, by: { apiVersion: number; clientId: string }) => boolean;
}

/**
 * Faults on request, for tests: what a broker does to chosen requests instead of answering them. An
 * API that is intercepted is not pipelined, so that requests behind a delayed one stay behind it.
 * Where nothing is intercepted a request costs one comparison.
 */
export class Interceptions {
  #byKey: Map<number, Rule[]> | null = null;

  /** The interceptions of an API key; null where there are none. */
  of(apiKey: number): KeyInterceptions | null {
    if (this.#byKey === null) return null;
    const rules = this.#byKey.get(apiKey);
    if (rules === undefined) return null;
    return {
      apply: (context, request, run) => {
        const rule = rules.find(({ timesLeft, when }) => timesLeft > 0 && when(request, context));
        if (rule === undefined) return run();
        rule.count++;
        if (--rule.timesLeft === 0) this.#remove(apiKey, rule);
        return act(rule.action, context, request, run);
      },
    };
  }

  /** Sets one more; of several that apply to a request the one that was set first does. */
  add<A extends Api>(
    api: A,
    action: InterceptAction<A>,
    { times = Infinity, when = () => true }: InterceptOptions<A> = {},
  ): Interception {
    const rule: Rule = {
      count: 0,
      timesLeft: times,
      action: action as InterceptAction<Api>,
      when: when as Rule['when'],
    };
    const byKey = (this.#byKey ??= new Map());
    byKey.set(api.key, [...(byKey.get(api.key) ?? []), rule]);
    return {
      get count() {
        return rule.count;
      },
      remove: () => this.#remove(api.key, rule),
    };
  }

  #remove(apiKey: number, rule: Rule): void {
    rule.timesLeft = 0;
    const left = this.#byKey?.get(apiKey)?.filter((other) => other !== rule) ?? [];
    if (left.length > 0) this.#byKey?.set(apiKey, left);
    else this.#byKey?.delete(apiKey);
    if (this.#byKey?.size === 0) this.#byKey = null;
  }
}

function act(
  action: InterceptAction<Api>,
  context: RequestContext,
  request: unknown,
  run: () => unknown,
): unknown {
  if (action === 'pass') return run();
  if (action === 'drop-request') throw new CloseConnection('a test drops the request');
  if (action === 'drop-reply') return dropReply(run);
  if ('answer' in action) return action.answer(request as RequestOf<Api>);
  return delayed(action, context).then(() => promiseOf(run()));
}

async function dropReply(run: () => unknown): Promise<never> {
  await promiseOf(run());
  throw new CloseConnection('a test drops the reply');
}

function delayed(
  action: { delayMs: number } | { delayUntil: Promise<unknown> },
  { services, signal }: RequestContext,
): Promise<void> {
  return new Promise((resolve) => {
    const goOn = () => {
      timer?.cancel();
      signal.removeEventListener('abort', goOn);
      resolve();
    };
    const timer = 'delayMs' in action ? services.clock.setTimer(action.delayMs, goOn) : null;
    if ('delayUntil' in action) action.delayUntil.then(goOn, goOn);
    signal.addEventListener('abort', goOn);
    if (signal.aborted) goOn();
  });
}
