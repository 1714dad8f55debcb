import type { ArgumentsHost } from '@nestjs/common';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { isStreamContext, type StreamContext } from '../context/stream-context';

/** The errors behind what Nest's filter made of them, for as long as their contexts live. */
const originals = new WeakMap<StreamContext, unknown>();
const installed = Symbol.for('sluice:original-errors');

/**
 * From here on the errors that reach Nest's own exception filter are noted with the context that
 * they belong to. That filter is the last place that sees them: what it hands on to a transport is
 * `{status: 'error', message: 'Internal server error'}` for every error but an `RpcException`, so a
 * dead letter could not say what went wrong. An interceptor would not see what guards and other
 * interceptors throw, and a global filter is missing in a hybrid app that does not inherit it; see
 * the decision "The real error is noted at Nest's exception filter". What the filter does is left
 * as it is, for this transport and for all others.
 */
export function noteOriginalErrors(): void {
  const prototype = BaseRpcExceptionFilter.prototype as unknown as {
    catch: (exception: unknown, host: ArgumentsHost) => unknown;
    [installed]?: true;
  };
  if (prototype[installed]) return;
  prototype[installed] = true;
  const catchAsNest = prototype.catch;
  prototype.catch = function (this: unknown, exception: unknown, host: ArgumentsHost): unknown {
    noteOriginal(exception, host);
    return catchAsNest.call(this, exception, host);
  };
}

function noteOriginal(exception: unknown, host: ArgumentsHost | undefined): void {
  const context: unknown = host?.getArgs().find(isStreamContext);
  if (isStreamContext(context)) originals.set(context, exception);
}

/** The error behind the one that a handler's call ended with; else that one. */
export function originalError(context: StreamContext, error: unknown): unknown {
  if (error instanceof Error || !originals.has(context)) return error;
  return originals.get(context);
}
