export { brokerMetrics } from './metrics';
export { Broker } from './broker';
export type { BrokerParts } from './broker';
export { defaultBrokerOptions } from './options';
export type { BrokerOptions } from './options';
export type { InterceptAction, Interception, InterceptOptions } from './requests/interceptions';
export { registeredHandlers } from './requests/handler';
export type { BrowsedPage, BrowseFrom, BrowseRequest } from './records-door/browse';
export { DoorRefusal, type DoorRefusalKind } from './records-door/door-refusal';
export type { GivenBytes } from './records-door/given-bytes';
export type { GivenRecord, ProduceRequest } from './records-door/given-records';
export type { Produced, ProducedRecord, RecordError } from './records-door/produce-records';
export type { FilterRequest } from './records-door/record-filter';
export { RecordsDoor, type OpenTail } from './records-door/records-door';
export type { TailEnd, TailEvent, TailReader, TailRequest } from './records-door/tail';
export { bytesForms, type BytesForm, type ToldBytes } from './records-door/told-bytes';
export type { Telling, ToldRecord } from './records-door/told-record';
export type { PartitionRates, Rate } from './partitions/partition-traffic';
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
export { limits as recordLimits } from './limits';
