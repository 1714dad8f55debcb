/**
 * Names of the headers that the transport itself gives to records and to replies. Those of requests
 * and replies are named as NestJS' own Kafka transport names its: `nest-correlation-id` names a
 * request, and `nest-reply-stream` the client whose reply stream takes the answers. Of a reply,
 * `nest-err` holds the error and `nest-is-disposed` says that it is the last one.
 */
export const streamHeaders = {
  correlationId: 'nest-correlation-id',
  /** Id of the client that waits, not a key: see `replyKey` in libs/streams. */
  replyStream: 'nest-reply-stream',
  /** JSON of the error of a handler; only in replies. */
  error: 'nest-err',
  /** `1` in the last reply to a request. */
  isDisposed: 'nest-is-disposed',
  /** Begins the names of headers that carry `packet.metadata`, one for each entry of it. */
  metadata: 'sluice-meta-',
  /** W3C Trace Context and Baggage, written where @opentelemetry/api is installed. */
  traceParent: 'traceparent',
  traceState: 'tracestate',
  baggage: 'baggage',
  /** Of records in retry and dead-letter topics: where they were first written. */
  originTopic: 'sluice-origin-topic',
  originPartition: 'sluice-origin-partition',
  originOffset: 'sluice-origin-offset',
  originTimestamp: 'sluice-origin-timestamp-ms',
  /** The group that could not handle them. */
  group: 'sluice-group',
  /** How often it tried. */
  attempts: 'sluice-attempts',
  firstFailure: 'sluice-first-failure-ms',
  lastFailure: 'sluice-last-failure-ms',
  /** How long after its timestamp a record of a retry topic is to be handled. */
  retryDelay: 'sluice-retry-delay-ms',
  /** Why it is a dead letter: `attempts-exhausted`, `unrecoverable`, `undecodable` and others. */
  reason: 'sluice-reason',
  errorName: 'sluice-error-name',
  errorMessage: 'sluice-error-message',
  errorStack: 'sluice-error-stack',
  /** Bytes of the value of a dead letter that was too large with it; it is null then. */
  valueLeftOut: 'sluice-value-left-out',
} as const;

const reservedPrefixes = ['nest-', 'sluice-'];

/** Whether only the transport itself may write a header of this name. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return reservedPrefixes.some((prefix) => lower.startsWith(prefix));
}
