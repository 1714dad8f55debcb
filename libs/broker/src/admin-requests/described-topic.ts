import type { Topic } from '@sluice/log';
import { ErrorCode } from '@sluice/wire';
import type { BrokerServices } from '../requests/context';

/** What a client takes for "not known". */
const unknownEpoch = -1;

/**
 * A topic with its partitions, or with some of them, as Metadata and DescribeTopicPartitions tell
 * it: this broker leads them all, and has their one replica.
 */
export async function describeTopic(
  { options, partitions: { store } }: BrokerServices,
  topic: Topic,
  { from = 0, count = topic.partitions }: { from?: number; count?: number } = {},
) {
  const { brokerId } = options;
  const epochs = await store.leaderEpochs(topic);
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: false,
    partitions: Array.from({ length: count }, (_, at) => ({
      errorCode: ErrorCode.NONE,
      partitionIndex: from + at,
      leaderId: brokerId,
      leaderEpoch: epochs[from + at] ?? unknownEpoch,
      replicaNodes: [brokerId],
      isrNodes: [brokerId],
      offlineReplicas: [],
    })),
  };
}
