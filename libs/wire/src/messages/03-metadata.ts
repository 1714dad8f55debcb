import { api } from '../api';
import { noAuthorizedOperations } from '../authorized-operations';
import { array, bool, int16, int32, nullable, string, uuid } from '../schema';

/**
 * Metadata: brokers, topics, and who leads which partition.
 *
 * v0: an empty list of topics means all. v1: null means all; rack, controller, internal topics. v2:
 * cluster id. v3: throttle time. v4: topics are created on demand or not. v5: offline replicas. v7:
 * leader epochs. v8: authorized operations. v9: flexible. v10: topic ids. v11: the cluster's
 * authorized operations are gone. v12: a topic may be asked for by id alone.
 */
export const Metadata = api(
  3,
  { name: 'Metadata', versions: '0-12', flexible: '9+' },
  {
    request: {
      topics: nullable(array({ topicId: uuid.since(10), name: nullable(string, 10) }), 1),
      allowAutoTopicCreation: bool.since(4).default(true),
      includeClusterAuthorizedOperations: bool.since(8).until(10),
      includeTopicAuthorizedOperations: bool.since(8),
    },
    response: {
      throttleTimeMs: int32.since(3),
      brokers: array({ nodeId: int32, host: string, port: int32, rack: nullable(string).since(1) }),
      clusterId: nullable(string).since(2),
      controllerId: int32.since(1).default(-1),
      topics: array({
        errorCode: int16,
        name: nullable(string, 12),
        topicId: uuid.since(10),
        isInternal: bool.since(1),
        partitions: array({
          errorCode: int16,
          partitionIndex: int32,
          leaderId: int32,
          leaderEpoch: int32.since(7).default(-1),
          replicaNodes: array(int32),
          isrNodes: array(int32),
          offlineReplicas: array(int32).since(5),
        }),
        topicAuthorizedOperations: int32.since(8).default(noAuthorizedOperations),
      }),
      clusterAuthorizedOperations: int32.since(8).until(10).default(noAuthorizedOperations),
    },
  },
);
