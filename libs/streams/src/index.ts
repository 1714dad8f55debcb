export * from './api';
export {
  ConnectionClosed,
  StreamsConnection,
  type ConnectedLog,
  type StreamsPorts,
} from './connection/streams-connection';
export type { StreamsConnectionOptions } from './connection/connection-options';
export { connectionLimits } from './connection/connection-limits';
export type { NoTopic, TopicTerms } from './connection/topic-maker';
export { producerLimits } from './producer/producer-limits';
export { isSendError, SendError, type SendErrorCode } from './producer/send-error';
export { StreamProducer } from './producer/stream-producer';
