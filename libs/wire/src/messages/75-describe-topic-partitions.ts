import { api } from '../api';
import { noAuthorizedOperations } from '../authorized-operations';
import { array, bool, int16, int32, nullable, string, struct, uuid } from '../schema';

/** DescribeTopicPartitions: topics and their partitions, page by page (KIP-966). */
export const DescribeTopicPartitions = api(
  75,
  { name: 'DescribeTopicPartitions', versions: '0-0', flexible: '0+' },
  {
    request: {
      topics: array({ name: string }),
      responsePartitionLimit: int32.default(2_000),
      cursor: struct({ topicName: string, partitionIndex: int32 }).nullable(),
    },
    response: {
      throttleTimeMs: int32.default(0),
      topics: array({
        errorCode: int16,
        name: nullable(string),
        topicId: uuid,
        isInternal: bool.default(false),
        partitions: array({
          errorCode: int16,
          partitionIndex: int32,
          leaderId: int32,
          leaderEpoch: int32.default(-1),
          replicaNodes: array(int32),
          isrNodes: array(int32),
          eligibleLeaderReplicas: nullable(array(int32)),
          lastKnownElr: nullable(array(int32)),
          offlineReplicas: array(int32),
        }),
        topicAuthorizedOperations: int32.default(noAuthorizedOperations),
      }),
      nextCursor: struct({ topicName: string, partitionIndex: int32 }).nullable(),
    },
  },
);
