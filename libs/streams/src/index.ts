export * from './api';
export { consumerLimits, type ConsumerLimits } from './consumer/consumer-limits';
export { NotOwned } from './consumer/consumer-errors';
export { StreamConsumer } from './consumer/stream-consumer';
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
export { producerMetrics } from './producer/producer-metrics';
export { isSendError, SendError, type SendErrorCode } from './producer/send-error';
export { StreamProducer } from './producer/stream-producer';
export { repliesLimits } from './replies/replies-limits';
export type { Reply } from './replies/reply';
export { ReplyInbox, type ReplyListener } from './replies/reply-inbox';
export { sendReply } from './replies/send-reply';
