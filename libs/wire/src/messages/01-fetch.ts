import { api } from '../api';
import {
  array,
  int16,
  int32,
  int64,
  int8,
  nullable,
  records,
  string,
  struct,
  uuid,
} from '../schema';

/**
 * Fetch: reads record batches.
 *
 * v5: log start offset. v7: fetch sessions (KIP-227). v9: leader epochs checked. v10: zstd. v11:
 * rack of the reader. v12: flexible; diverging epochs. v13: topic ids instead of names (KIP-516).
 * v15: the replica's state is a tag (KIP-903). v16: endpoints of new leaders (KIP-951). v17:
 * directory ids of replicas (KIP-853).
 */
export const Fetch = api(
  1,
  { name: 'Fetch', versions: '4-17', flexible: '12+' },
  {
    request: {
      clusterId: nullable(string).tag(0, 12),
      replicaId: int32.until(14).default(-1),
      replicaState: struct({
        replicaId: int32.default(-1),
        replicaEpoch: int64.default(-1),
      }).tag(1, 15),
      maxWaitMs: int32,
      minBytes: int32,
      maxBytes: int32.default(0x7fff_ffff),
      isolationLevel: int8.default(0),
      sessionId: int32.since(7),
      sessionEpoch: int32.since(7).default(-1),
      topics: array({
        topic: string.until(12),
        topicId: uuid.since(13),
        partitions: array({
          partition: int32,
          currentLeaderEpoch: int32.since(9).default(-1),
          fetchOffset: int64,
          lastFetchedEpoch: int32.since(12).default(-1),
          logStartOffset: int64.since(5).default(-1),
          partitionMaxBytes: int32,
          replicaDirectoryId: uuid.tag(0, 17),
        }),
      }),
      forgottenTopicsData: array({
        topic: string.until(12),
        topicId: uuid.since(13),
        partitions: array(int32),
      }).since(7),
      rackId: string.since(11),
    },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16.since(7),
      sessionId: int32.since(7),
      responses: array({
        topic: string.until(12),
        topicId: uuid.since(13),
        partitions: array({
          partitionIndex: int32,
          errorCode: int16,
          highWatermark: int64,
          lastStableOffset: int64.default(-1),
          logStartOffset: int64.since(5).default(-1),
          divergingEpoch: struct({
            epoch: int32.default(-1),
            endOffset: int64.default(-1),
          }).tag(0, 12),
          currentLeader: struct({
            leaderId: int32.default(-1),
            leaderEpoch: int32.default(-1),
          }).tag(1, 12),
          snapshotId: struct({
            endOffset: int64.default(-1),
            epoch: int32.default(-1),
          }).tag(2, 12),
          abortedTransactions: nullable(array({ producerId: int64, firstOffset: int64 })),
          preferredReadReplica: int32.since(11).default(-1),
          // Null is written as empty: librdkafka takes the length -1 for an error.
          records: records.default(Buffer.alloc(0)),
        }),
      }),
      nodeEndpoints: array({
        nodeId: int32,
        host: string,
        port: int32,
        rack: nullable(string),
      }).tag(0, 16),
    },
  },
);
