export { StreamContext, isStreamContext } from './context/stream-context';
export {
  StreamHandler,
  StreamRequest,
  type StreamMethod,
  type StreamMethodDecorator,
  type StreamTopic,
} from './decorators/stream-handler';
export { typedStreams, type TypedStreams } from './decorators/typed-streams';
export type { ReplyFrame, ReplyInbox, StreamsDriver } from './driver';
export { RetriableStreamException, UnrecoverableStreamException } from './errors/stream-exceptions';
export type {
  BackoffFunction,
  BackoffOptions,
  BatchOptions,
  DeadLetterOptions,
  RetryOptions,
  StreamHandlerOptions,
  StreamRequestOptions,
} from './handlers/options';
export { isReservedHeader, streamHeaders } from './headers';
export {
  StreamsHealthIndicator,
  type StreamsHealthLimits,
  type StreamsHealthResult,
} from './health/streams-health-indicator';
export { deadLetterTopicOf, retryTopicOf } from './letters/letter';
export { requeueDeadLetters, type RequeueOptions, type RequeueResult } from './letters/requeue';
export { nestLogger } from './nest-logger';
export { jsonDeserializer, jsonSerializer } from './serialization/json';
export { rawDeserializer, rawSerializer } from './serialization/raw';
export {
  SchemaRegistrySerialization,
  type SchemaCodec,
  type SchemaLookup,
} from './serialization/schema-registry';
export type { StreamDeserializer, StreamSerializer } from './serialization/serialization';
export { connectStreams } from './server/connect-streams';
export type {
  DeadLetterEvent,
  RetryEvent,
  StreamsServerEvents,
  StreamsServerHealth,
  StreamsStatus,
} from './server/server-events';
export type { StreamsServerOptions } from './server/server-options';
export { streamMetrics } from './server/stream-metrics';
export { StreamsServer } from './server/streams-server';
export { transportLimits } from './transport-limits';
export {
  defaultStreamsClient,
  STREAMS_OPTIONS,
  STREAMS_TRANSPORT,
  streamsClientToken,
} from './tokens';
