import { ErrorCode, errorInfo, type ErrorCodeValue, type ErrorInfo } from '@sluice/wire';
import type { SentRecord } from '../api';

/** Kafka's name for what happened, as MESSAGE_TOO_LARGE, or one of a producer's own. */
export type SendErrorCode = ErrorInfo['name'] | OwnErrorCode;

type OwnErrorCode = keyof typeof ownErrors;

/** What only a producer finds out: whether the same may go well later, and what to do. */
const ownErrors = {
  BUFFER_FULL: {
    retriable: true,
    advice: 'Send less at a time, wait for what was sent, or raise bufferBytesMax.',
  },
  DELIVERY_TIMED_OUT: {
    retriable: true,
    advice: 'See whether Redis can be reached and keeps up, or raise deliveryTimeoutMs.',
  },
  NOT_CONNECTED: { retriable: true, advice: 'See that Redis runs and can be used.' },
  PRODUCER_CLOSED: { retriable: false, advice: 'Send before the producer is closed.' },
} as const;

const advice: Partial<Record<SendErrorCode, string>> = {
  MESSAGE_TOO_LARGE: "Send a smaller record, or raise the topic's max.message.bytes.",
  INVALID_TIMESTAMP: "Give a time within the topic's message.timestamp.*.max.ms, or none.",
  UNKNOWN_TOPIC_OR_PARTITION: 'Create the topic, or name a partition that it has.',
  INVALID_TOPIC_EXCEPTION: 'Choose another name.',
  NOT_ENOUGH_REPLICAS: 'See that as many replicas are connected as min.insync.replicas asks for.',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'See why the replicas of Redis are behind.',
  KAFKA_STORAGE_ERROR: 'See that Redis can be reached and takes writes.',
  REQUEST_TIMED_OUT: 'Send it again if it may be there twice; an idempotent producer does that.',
};

/** What is known of a record that failed. */
export interface SendErrorOptions extends ErrorOptions {
  topic: string;
  /** -1: not chosen yet. */
  partition?: number;
  /** It may be in the log all the same: nobody has said. Default: false, it is surely not. */
  mayBeWritten?: boolean;
  outcomes?: readonly (SentRecord | SendError)[];
}

/** A record that was not written, or of which nobody knows. */
export class SendError extends Error {
  override readonly name = 'SendError';
  readonly topic: string;
  readonly partition: number;
  /** True where it may be in the log all the same; false where it surely is not. */
  readonly mayBeWritten: boolean;
  /** The same record may be taken when it is sent again. */
  readonly retriable: boolean;
  /** Of `sendAll`: what became of each record, in order; else empty. */
  readonly outcomes: readonly (SentRecord | SendError)[];

  constructor(
    readonly code: SendErrorCode,
    readonly reason: string,
    options: SendErrorOptions,
  ) {
    const { topic, partition = -1, mayBeWritten = false, outcomes = [] } = options;
    super(messageOf(code, reason, { topic, partition, mayBeWritten }), options);
    this.topic = topic;
    this.partition = partition;
    this.mayBeWritten = mayBeWritten;
    this.retriable = isRetriable(code);
    this.outcomes = outcomes;
  }
}

/** Whether an error is a `SendError`, also of another copy of this package. */
export function isSendError(error: unknown): error is SendError {
  return error instanceof Error && error.name === 'SendError' && 'mayBeWritten' in error;
}

/** The name of one of Kafka's error codes. */
export function codeNamed(code: ErrorCodeValue): ErrorInfo['name'] {
  return errorInfo(code).name;
}

function isOwn(code: SendErrorCode): code is OwnErrorCode {
  return code in ownErrors;
}

function isRetriable(code: SendErrorCode): boolean {
  return isOwn(code) ? ownErrors[code].retriable : errorInfo(ErrorCode[code]).retriable;
}

function messageOf(
  code: SendErrorCode,
  reason: string,
  { topic, partition, mayBeWritten }: { topic: string; partition: number; mayBeWritten: boolean },
): string {
  const where = partition < 0 ? topic : `${topic}/${partition}`;
  const what = isOwn(code) ? ownErrors[code].advice : (advice[code] ?? '');
  const text = `${code}: a record for ${where}: ${reason}`;
  const ended = /[.!?]$/.test(text) ? text : `${text}.`;
  const fate = mayBeWritten ? 'It may be written all the same.' : 'It is not written.';
  return [ended, fate, what].filter((part) => part !== '').join(' ');
}
