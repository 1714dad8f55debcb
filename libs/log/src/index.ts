export { partitionKeys, registryKeys } from './keys';
export type { PartitionKeys, PartitionRef, RegistryKeys } from './keys';
export type { PartitionBounds } from './bounds';
export { partitionLimits, type PartitionLimits } from './partition-limits';
export { PartitionStore } from './partition-store';
export type { MissingBatches, NewWatch, NewWriter } from './partition-store';
export { ProducerIds, producerIdBlockSize } from './producer-ids';
export type { LentBatch, StoredBatch } from './read';
export type { OffsetAndTimestamp } from './time-search';
export type { DeleteRecordsReply, TrimReply } from './trim';
export type { AppendBatch, AppendRefusal, AppendReply, AppendResult } from './writer/append-call';
export { PartitionWatch } from './watch/partition-watch';
export type { WatchOptions, WatchSource } from './watch/partition-watch';
export { PartitionWriter } from './writer/partition-writer';
export type { AppendDone, AppendListener, AppendOutcome } from './writer/partition-writer';
export { NotEnoughReplicas, NotEnoughReplicasAfterAppend } from './writer/replication';
export { TopicCatalog } from './topics/catalog';
export type {
  ConfigRequest,
  CreateRefusal,
  NewTopic,
  Refused,
  TopicSelector,
} from './topics/catalog';
export { catalogLimits } from './topics/catalog-limits';
export type { CatalogLimits } from './topics/catalog-limits';
export { DeletedTopicSweeper } from './topics/deleted-topic-sweeper';
export { topicNameProblem } from './topics/topic';
export type { Topic } from './topics/topic';
export type { TopicChange } from './topics/view';
export { checkConfigs } from './configs/changes';
export type { CheckedConfigs, ConfigChange, ConfigValues } from './configs/changes';
export { configDefinition, configDefinitions } from './configs/definitions';
export type { ConfigDefinition } from './configs/definitions';
export { topicConfigsMarkdown } from './configs/markdown';
export { resolveConfigs } from './configs/resolve';
export type { CompressionPolicy, TopicConfig } from './configs/resolve';
export { configTypeCodes } from './configs/values';
export type { ConfigType } from './configs/values';
export { ensureClusterId } from './cluster-id';
