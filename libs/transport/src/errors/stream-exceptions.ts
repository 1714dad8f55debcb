import { RpcException } from '@nestjs/microservices';
import { isDelayMs } from '../context/delay';

/** What marks an exception of ours, so that two copies of this package know each other's. */
const brand = Symbol.for('sluice:stream-exception');

type Kind = 'retriable' | 'unrecoverable';

abstract class StreamException extends RpcException {
  readonly [brand]: Kind;

  constructor(kind: Kind, message: string, options: { cause?: unknown } = {}) {
    super(message);
    this[brand] = kind;
    if (options.cause !== undefined) this.cause = options.cause;
  }

  /** Itself, so that Nest's filters hand it on to the transport as it is. */
  override getError(): this {
    return this;
  }
}

/**
 * The handler could not do it now and may do it later. The record is tried again after `delayMs`,
 * or after the time that the handler's `retry` says. Like every failure it counts as an attempt.
 * Thrown by the handler of a request, it lets a request be tried again too.
 */
export class RetriableStreamException extends StreamException {
  override readonly name = 'RetriableStreamException';
  readonly delayMs: number | undefined;

  constructor(message: string, options: { delayMs?: number; cause?: unknown } = {}) {
    super('retriable', message, options);
    this.delayMs = options.delayMs;
  }
}

/** No attempt will do better: the record goes to the dead-letter topic at once. */
export class UnrecoverableStreamException extends StreamException {
  override readonly name = 'UnrecoverableStreamException';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super('unrecoverable', message, options);
  }
}

/** Which of our exceptions it is, of whatever copy of this package; null for all others. */
export function streamExceptionKind(error: unknown): Kind | null {
  if (typeof error !== 'object' || error === null) return null;
  return (error as { [brand]?: Kind })[brand] ?? null;
}

/** The delay that a retriable exception asks for; undefined when it does not. */
export function askedDelayMs(error: unknown): number | undefined {
  if (streamExceptionKind(error) !== 'retriable') return undefined;
  const { delayMs } = error as { delayMs?: unknown };
  return isDelayMs(delayMs) ? delayMs : undefined;
}
