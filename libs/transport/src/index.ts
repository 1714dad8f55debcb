export { clientLimits } from './client/client-limits';
export type { StreamsClientOptions } from './client/client-options';
export { StreamRequestError, type RequestProblem } from './client/request-error';
export {
  StreamsClient,
  type StreamsClientEvents,
  type StreamsClientStatus,
} from './client/streams-client';
export type { TypedStreamsClient } from './client/typed-client';
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
export { InjectStreamsClient } from './module/inject-streams-client';
export type {
  FeatureTopic,
  NamedClient,
  StreamsFeature,
  StreamsModuleOptions,
} from './module/module-options';
export { StreamsModule } from './module/streams-module';
export {
  isStreamRecord,
  StreamRecord,
  StreamRecordBuilder,
  type HeaderValue,
  type StreamRecordOptions,
} from './building/stream-record';
export { RedisStreams, type RedisStreamsPorts } from './redis-streams';
export { jsonDeserializer, jsonSerializer } from './serialization/json';
export { rawDeserializer, rawSerializer } from './serialization/raw';
export {
  SchemaRegistrySerialization,
  type SchemaCodec,
  type SchemaLookup,
} from './serialization/schema-registry';
export type { StreamDeserializer, StreamSerializer } from './serialization/serialization';
export { connectStreams, drainFirst } from './server/connect-streams';
export type {
  DeadLetterEvent,
  RetryEvent,
  StreamsServerEvents,
  StreamsServerHealth,
  StreamsStatus,
} from './server/server-events';
export type { StreamsServerOptions } from './server/server-options';
export { usualMetrics } from './prom-metrics';
export { streamMetrics } from './server/stream-metrics';
export { StreamsServer } from './server/streams-server';
export { transportLimits } from './transport-limits';
export {
  defaultStreamsClient,
  STREAMS_DRIVER,
  STREAMS_OPTIONS,
  STREAMS_TRANSPORT,
  streamsClientToken,
} from './tokens';
