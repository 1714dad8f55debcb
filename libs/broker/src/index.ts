export { brokerMetrics } from './metrics';
export { Broker } from './broker';
export type { BrokerParts } from './broker';
export { defaultBrokerOptions } from './options';
export type { BrokerOptions } from './options';
export type { InterceptAction, Interception, InterceptOptions } from './requests/interceptions';
export { registeredHandlers } from './requests/handler';
export type { BrokerServices } from './requests/context';
export { describeBrokerConfigs } from './admin-requests/broker-configs';
export { ConfigSource } from './admin-requests/config-codes';
export { deleteRecordsBefore, toLogEnd, type DeletedRange } from './admin-requests/delete-records';
export {
  describeTopicConfigs,
  type ConfigSynonym,
  type DescribedConfig,
} from './admin-requests/described-config';
export type { Outcome } from './admin-requests/outcome';
export { setTopicConfigs } from './admin-requests/set-configs';
export {
  addPartitions,
  createTopic,
  deleteTopic,
  type AskedTopic,
  type ChangeTerms,
} from './admin-requests/topic-changes';
