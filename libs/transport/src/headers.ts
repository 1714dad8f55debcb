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
} as const;

const reservedPrefixes = ['nest-', 'sluice-'];

/** Whether only the transport itself may write a header of this name. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return reservedPrefixes.some((prefix) => lower.startsWith(prefix));
}
