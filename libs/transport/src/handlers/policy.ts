import type { SeekTarget } from '@sluice/streams';
import { checkTopicName } from '../decorators/topic-names';
import { jsonDeserializer } from '../serialization/json';
import type { StreamDeserializer } from '../serialization/serialization';
import { transportLimits } from '../transport-limits';
import { backoffOf, jitterOf } from './backoff';
import type { BackoffFunction, RetryOptions, StreamHandlerOptions } from './options';

/** What is done with a handler's records: its options with everything filled in. */
export interface HandlerPolicy {
  readonly concurrency: number;
  readonly orderedBy: 'key' | 'none';
  readonly isBatch: boolean;
  readonly batchSize: number;
  readonly batchWaitMs: number;
  readonly attempts: number;
  readonly backoff: BackoffFunction;
  readonly jitter: number;
  readonly retryMode: 'in-place' | 'topic';
  readonly isRetriable: (error: unknown) => boolean;
  readonly hasDeadLetters: boolean;
  /** Null: named after the topic. */
  readonly deadLetterTopic: string | null;
  readonly startFrom: SeekTarget;
  readonly delivery: 'at-least-once' | 'at-most-once';
  /** 0: no limit. */
  readonly handlerTimeoutMs: number;
  readonly deserializer: StreamDeserializer;
}

/** Attempts of a handler of events where nothing else is said. */
const defaultAttempts = 5;
const defaultBatchSize = 100;
/** Requests are answered side by side, as every transport of Nest does it. */
const defaultRequestConcurrency = 64;

/** Statuses of HTTP that say that the message itself is wrong, as a ValidationPipe does. */
const badMessageStatuses = [400, 422];

/**
 * The options of a handler, over those of its server, over the defaults.
 *
 * @throws RangeError or TypeError when options are out of their ranges or contradict each other
 */
export function policyOf(
  own: StreamHandlerOptions,
  ofServer: StreamHandlerOptions,
  isRequest: boolean,
): HandlerPolicy {
  const options = isRequest ? own : { ...ofServer, ...own };
  const { delivery = 'at-least-once' } = options;
  const once = delivery === 'at-most-once';
  if (once && typeof own.retry === 'object') {
    throw new TypeError('a handler that is called at most once cannot have retries');
  }
  if (isRequest && typeof own.retry === 'object' && own.retry.mode === 'topic') {
    throw new TypeError(
      'a handler of requests cannot have retries by a topic: whoever asked waits for the answer',
    );
  }
  const isBatch = options.batch !== undefined && options.batch !== false;
  const { size = defaultBatchSize, waitMs = 0 } =
    typeof options.batch === 'object' ? options.batch : {};
  const defaultConcurrency = isRequest ? defaultRequestConcurrency : 1;
  const { concurrency = defaultConcurrency, handlerTimeoutMs = 0 } = options;
  const { startFrom = 'start', deserializer = ofServer.deserializer ?? jsonDeserializer } = options;
  return {
    concurrency: wholeNumber('concurrency', concurrency, transportLimits.concurrencyMax),
    orderedBy: options.orderedBy ?? (isRequest ? 'none' : 'key'),
    isBatch,
    batchSize: isBatch ? wholeNumber('batch.size', size, transportLimits.batchSizeMax) : 1,
    batchWaitMs: atLeastZero('batch.waitMs', waitMs),
    ...retriesOf(once ? false : options.retry, isRequest ? 1 : defaultAttempts),
    ...deadLettersOf(options.deadLetter ?? !isRequest),
    startFrom,
    delivery,
    handlerTimeoutMs: atLeastZero('handlerTimeoutMs', handlerTimeoutMs),
    deserializer,
  };
}

/**
 * What is done with records in the topic of a handler of requests that ask for no answer. Nobody is
 * told of their errors, so like events they are tried again, in place, and are dead letters in the
 * end.
 *
 * @throws as `policyOf`
 */
export function unaskedPolicyOf(
  own: StreamHandlerOptions,
  ofServer: StreamHandlerOptions,
): HandlerPolicy {
  const { retry = ofServer.retry, deadLetter = ofServer.deadLetter ?? true } = own;
  return {
    ...policyOf(own, ofServer, true),
    ...retriesOf(retry, defaultAttempts),
    retryMode: 'in-place',
    ...deadLettersOf(deadLetter),
  };
}

function retriesOf(retry: RetryOptions | false | undefined, defaultOfAttempts: number) {
  const options = retry === false ? { attempts: 1 } : (retry ?? {});
  const { attempts = defaultOfAttempts, mode = 'in-place' } = options;
  const { isRetriable = mayDoBetter } = options;
  return {
    attempts: wholeNumber('retry.attempts', attempts, Number.MAX_SAFE_INTEGER),
    backoff: backoffOf(options.backoff),
    jitter: jitterOf(options.backoff),
    retryMode: mode,
    isRetriable,
  };
}

function deadLettersOf(deadLetter: NonNullable<StreamHandlerOptions['deadLetter']>) {
  const topic = typeof deadLetter === 'object' ? (deadLetter.topic ?? null) : null;
  if (topic !== null) checkTopicName(topic);
  return { hasDeadLetters: deadLetter !== false, deadLetterTopic: topic };
}

/** Not what HTTP's 400 and 422 stand for: the same message will be as wrong the next time. */
function mayDoBetter(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('getStatus' in error)) return true;
  if (typeof error.getStatus !== 'function') return true;
  return !badMessageStatuses.includes(Number((error.getStatus as () => unknown)()));
}

function wholeNumber(name: string, value: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
  throw new RangeError(`${name} is ${value}; it must be a whole number from 1 to ${max}`);
}

function atLeastZero(name: string, value: number): number {
  if (value >= 0 && Number.isFinite(value)) return value;
  throw new RangeError(`${name} is ${value}; it must be a number of milliseconds from 0`);
}
