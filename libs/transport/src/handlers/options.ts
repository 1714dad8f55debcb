import type { SeekTarget } from '@sluice/streams';
import type { StreamDeserializer } from '../serialization/serialization';

/** How long to wait before the next attempt: ms, by the number of the attempt that failed. */
export type BackoffFunction = (failedAttempt: number, error: unknown) => number;

/** How the waits between attempts grow. */
export interface BackoffOptions {
  type?: 'fixed' | 'exponential';
  /** The first wait. */
  delayMs?: number;
  /** No wait is longer. */
  delayMsMax?: number;
  /** By how much a wait is shortened at the most, 0 to 1, so that failures spread out. */
  jitter?: number;
}

/** What is done with a record that its handler failed with. */
export interface RetryOptions {
  /** How often the handler is given a record, the first time included. */
  attempts?: number;
  backoff?: BackoffOptions | BackoffFunction;
  /**
   * `in-place`: what comes after it in its lane waits, so order is kept. `topic`: it goes to the
   * topic `<topic>.<group>.retry` and comes again from there, and what came after it goes first.
   */
  mode?: 'in-place' | 'topic';
  /** Whether another attempt may do better. Default: not after HTTP's 400 and 422. */
  isRetriable?: (error: unknown) => boolean;
}

/** Several records with one call: the handler gets an array of values. */
export interface BatchOptions {
  /** As many as this at once. */
  size?: number;
  /** How long a batch that is not full waits for more. Default: 0, what is there is taken. */
  waitMs?: number;
}

/** The dead-letter topic of a handler. */
export interface DeadLetterOptions {
  /** Default: `<topic>.dlq`. */
  topic?: string;
}

/** How the records of a topic are given to a handler. The rest is as the server's options say. */
export interface StreamHandlerOptions {
  /** The consumer group, exactly as it is called in Redis. */
  group?: string;
  /** Handles only records of this type, of a topic that has several: see `eventTypeOf`. */
  eventType?: string;
  /** Lanes in each partition; the records of a lane are handled one after another. Default: 1. */
  concurrency?: number;
  /**
   * With several lanes: `key` keeps the records of a key in order (the default), `none` takes
   * whichever lane is free.
   */
  orderedBy?: 'key' | 'none';
  /** `true`: with the default size. */
  batch?: BatchOptions | boolean;
  /** `false`: one attempt. */
  retry?: RetryOptions | false;
  /** `false`: what cannot be handled is dropped, with a line in the log. */
  deadLetter?: DeadLetterOptions | boolean;
  /** Where a group begins that has committed nothing. Default: 'start'. */
  startFrom?: SeekTarget;
  /** `at-most-once`: acknowledged before the handler is called, and never tried again. */
  delivery?: 'at-least-once' | 'at-most-once';
  /** After this time an attempt counts as failed, and its signal is aborted. Default: no limit. */
  handlerTimeoutMs?: number;
  deserializer?: StreamDeserializer;
  /** Which server's it is, where an app has several. Default: every server of this transport. */
  transport?: symbol;
}

/** How requests are answered. */
export type StreamRequestOptions = Omit<
  StreamHandlerOptions,
  'batch' | 'delivery' | 'eventType' | 'startFrom'
>;

/** Where a decorator leaves a handler's options, in what Nest calls its extras. */
export const handlerOptionsKey = 'stream';
