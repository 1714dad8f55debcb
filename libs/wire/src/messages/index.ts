import type { Api } from '../api';
import { Produce } from './00-produce';
import { Fetch } from './01-fetch';
import { ListOffsets } from './02-list-offsets';
import { Metadata } from './03-metadata';
import { OffsetCommit } from './08-offset-commit';
import { OffsetFetch } from './09-offset-fetch';
import { FindCoordinator } from './10-find-coordinator';
import { JoinGroup } from './11-join-group';
import { Heartbeat } from './12-heartbeat';
import { LeaveGroup } from './13-leave-group';
import { SyncGroup } from './14-sync-group';
import { DescribeGroups } from './15-describe-groups';
import { ListGroups } from './16-list-groups';
import { ApiVersions } from './18-api-versions';
import { CreateTopics } from './19-create-topics';
import { DeleteTopics } from './20-delete-topics';
import { DeleteRecords } from './21-delete-records';
import { InitProducerId } from './22-init-producer-id';
import { OffsetForLeaderEpoch } from './23-offset-for-leader-epoch';
import { DescribeAcls } from './29-describe-acls';
import { CreateAcls } from './30-create-acls';
import { DeleteAcls } from './31-delete-acls';
import { DescribeConfigs } from './32-describe-configs';
import { AlterConfigs } from './33-alter-configs';
import { DescribeLogDirs } from './35-describe-log-dirs';
import { CreatePartitions } from './37-create-partitions';
import { DeleteGroups } from './42-delete-groups';
import { ElectLeaders } from './43-elect-leaders';
import { IncrementalAlterConfigs } from './44-incremental-alter-configs';
import { AlterPartitionReassignments } from './45-alter-partition-reassignments';
import { ListPartitionReassignments } from './46-list-partition-reassignments';
import { OffsetDelete } from './47-offset-delete';
import { DescribeClientQuotas } from './48-describe-client-quotas';
import { DescribeUserScramCredentials } from './50-describe-user-scram-credentials';
import { DescribeCluster } from './60-describe-cluster';
import { DescribeProducers } from './61-describe-producers';
import { ListTransactions } from './66-list-transactions';
import { ListConfigResources } from './74-list-config-resources';
import { DescribeTopicPartitions } from './75-describe-topic-partitions';

export {
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  DescribeGroups,
  ListGroups,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DeleteRecords,
  InitProducerId,
  OffsetForLeaderEpoch,
  DescribeAcls,
  CreateAcls,
  DeleteAcls,
  DescribeConfigs,
  AlterConfigs,
  DescribeLogDirs,
  CreatePartitions,
  DeleteGroups,
  ElectLeaders,
  IncrementalAlterConfigs,
  AlterPartitionReassignments,
  ListPartitionReassignments,
  OffsetDelete,
  DescribeClientQuotas,
  DescribeUserScramCredentials,
  DescribeCluster,
  DescribeProducers,
  ListTransactions,
  ListConfigResources,
  DescribeTopicPartitions,
};

const all: readonly Api[] = [
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  DescribeGroups,
  ListGroups,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DeleteRecords,
  InitProducerId,
  OffsetForLeaderEpoch,
  DescribeAcls,
  CreateAcls,
  DeleteAcls,
  DescribeConfigs,
  AlterConfigs,
  DescribeLogDirs,
  CreatePartitions,
  DeleteGroups,
  ElectLeaders,
  IncrementalAlterConfigs,
  AlterPartitionReassignments,
  ListPartitionReassignments,
  OffsetDelete,
  DescribeClientQuotas,
  DescribeUserScramCredentials,
  DescribeCluster,
  DescribeProducers,
  ListTransactions,
  ListConfigResources,
  DescribeTopicPartitions,
];

/** Every API of which this library knows the messages, by key. */
export const apis: ReadonlyMap<number, Api> = new Map(all.map((api) => [api.key, api]));
