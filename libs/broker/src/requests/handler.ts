import type { Api, RequestOf, ResponseInput } from '@sluice/wire';
import type { RequestContext } from './context';
import type { LaterAnswer } from './later-answer';

/** What a handler returns when the client expects no reply (Produce with acks=0). */
export const noReply = Symbol('no reply');

/** What an API's client may be told. */
export type Answer<A extends Api> = ResponseInput<A> | typeof noReply;

export interface Handler {
  readonly api: Api;
  /** May run while earlier pipelined requests of the connection are still under way. */
  readonly pipelined: boolean;
  /** Returns the answer, a promise of it, or a `LaterAnswer`. */
  run(context: RequestContext, request: unknown): unknown;
}

const handlers = new Map<number, Handler>();

/**
 * Registers the one handler of an API key; ApiVersions and the API matrix in the docs are made from
 * what is registered. A handler's synchronous part runs in the order of the connection's requests.
 */
export function handle<A extends Api>(
  api: A,
  run: (
    context: RequestContext,
    request: RequestOf<A>,
  ) => Answer<A> | Promise<Answer<A>> | LaterAnswer<Answer<A>>,
  options: { pipelined?: boolean } = {},
): Handler {
  if (handlers.has(api.key)) throw new Error(`API key ${api.key} has two handlers`);
  const handler: Handler = {
    api,
    pipelined: options.pipelined ?? false,
    run: (context, request) => run(context, request as RequestOf<A>),
  };
  handlers.set(api.key, handler);
  return handler;
}

/** The handler of an API key, if there is one. */
export function handlerOf(apiKey: number): Handler | undefined {
  return handlers.get(apiKey);
}

/** All registered handlers, by API key. */
export function registeredHandlers(): Handler[] {
  return [...handlers.values()].sort((a, b) => a.api.key - b.api.key);
}
