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
export { deadLetterTopicOf, retryTopicOf } from './letters/letter';
export { nestLogger } from './nest-logger';
export { jsonDeserializer, jsonSerializer } from './serialization/json';
export { rawDeserializer, rawSerializer } from './serialization/raw';
export type { StreamDeserializer, StreamSerializer } from './serialization/serialization';
export type {
  DeadLetterEvent,
  RetryEvent,
  StreamsServerEvents,
  StreamsServerHealth,
  StreamsStatus,
} from './server/server-events';
export type { StreamsServerOptions } from './server/server-options';
export { StreamsServer } from './server/streams-server';
export {
  defaultStreamsClient,
  STREAMS_OPTIONS,
  STREAMS_TRANSPORT,
  streamsClientToken,
} from './tokens';
