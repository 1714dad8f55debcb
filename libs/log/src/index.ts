export { idempotencyKeys, partitionKeys, registryKeys, replyChannel, replyKey } from './keys';
export type { IdempotencyKeys, PartitionKeys, PartitionRef, RegistryKeys } from './keys';
export { DeliverySweeper, type DeliverySweeperOptions } from './delivery/delivery-sweeper';
export {
  PartitionDelivery,
  type ClaimedDelivery,
  type DeliveredEntry,
  type DeliveryOwner,
  type DeliveryRefusal,
} from './delivery/partition-delivery';
export { Idempotency } from './idempotency/idempotency';
export type { IdempotencyLimits, IdempotencyOptions } from './idempotency/idempotency';
export type { NotedBatch, NotedRequest } from './idempotency/noted-request';
export type { PartitionBounds, PartitionSize } from './bounds';
export type { KnownProducer } from './known-producers';
export { Leadership, LeadershipLost, noLeadership } from './leadership';
export type { LeadershipOptions, LeadReply } from './leadership';
export { logMetrics } from './metrics';
export { partitionLimits, type PartitionLimits } from './partition-limits';
export { PartitionStore } from './partition-store';
export type { MissingBatches, NewConfirmer, NewWatch, NewWriter } from './partition-store';
export { ProducerIds, producerIdBlockSize } from './producer-ids';
export { stampAt, type LentBatch, type StoredBatch } from './read';
export type { OffsetAndTimestamp } from './time-search';
export type { DeleteRecordsReply, TrimReply, TrimRule } from './trim';
export type { AppendBatch, AppendRefusal, AppendReply, AppendResult } from './writer/append-call';
export { PartitionWatch } from './watch/partition-watch';
export type { WatchOptions, WatchSource } from './watch/partition-watch';
export { PartitionConfirmer } from './writer/partition-confirmer';
export { PartitionWriter } from './writer/partition-writer';
export type { AppendDone, AppendListener, AppendOutcome } from './writer/partition-writer';
export { appendable, checkBatchBytes } from './produce/appendable';
export type { Appendable, BatchFacts } from './produce/appendable';
export {
  appendRefusalCode,
  appendResultCode,
  recordsErrorCode,
  storageErrorCode,
} from './produce/error-codes';
export { examineRulesOf, recordRulesOf, storedCompression } from './produce/topic-rules';
export { NotEnoughReplicas, NotEnoughReplicasAfterAppend } from './writer/replication';
export { TopicCatalog } from './topics/catalog';
export type { TopicSelector } from './topics/catalog';
export type { Refused } from './topics/refusals';
export type { CreateRefusal, NewTopic } from './topics/topic-creation';
export type { ChangedMeanwhile, ConfigRequest, ConfigTerms } from './topics/topic-updates';
export { catalogLimits } from './topics/catalog-limits';
export type { CatalogLimits } from './topics/catalog-limits';
export { DeletedTopicSweeper, type TopicSweepReport } from './topics/deleted-topic-sweeper';
export { holderOf, readTopicHolders, type TopicHolders } from './topics/topic-holders';
export { topicNameProblem, topicVersion } from './topics/topic';
export type { Topic } from './topics/topic';
export type { TopicChange } from './topics/view';
export { checkConfigs } from './configs/changes';
export type { CheckedConfigs, ConfigChange, ConfigValues } from './configs/changes';
export { configDefinition, configDefinitions } from './configs/definitions';
export type { ConfigDefinition } from './configs/definitions';
export { topicConfigsMarkdown } from './configs/markdown';
export { confirmationFor } from './configs/confirmation';
export type { Confirmation, Confirmations, DiskDemand } from './configs/confirmation';
export { confirmationOf, resolveConfigs } from './configs/resolve';
export type { CompressionPolicy, TopicConfig } from './configs/resolve';
export { configTypeCodes } from './configs/values';
export type { ConfigType } from './configs/values';
export { LeaderEpochs } from './recovery/epochs';
export {
  PartitionCare,
  type CareReport,
  type PartitionCareOptions,
} from './recovery/partition-care';
export { LogHistory, type LogHistoryOptions } from './recovery/log-history';
