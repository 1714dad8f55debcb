export * from './api';
export { consumerLimits, type ConsumerLimits } from './consumer/consumer-limits';
export { NotOwned } from './consumer/consumer-errors';
export type { GroupSession, MemberListener, NewSession } from './consumer/group-session';
export { StreamConsumer, type StreamConsumerDeps } from './consumer/stream-consumer';
