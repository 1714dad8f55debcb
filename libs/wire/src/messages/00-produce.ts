import { api } from '../api';
import { array, int16, int32, int64, nullable, records, string, struct } from '../schema';

/**
 * Produce: appends record batches.
 *
 * v1: throttle time. v2: log append time. v3: magic 2 and transactions. v5: log start offset. v7:
 * zstd. v8: errors of single records (KIP-467). v9: flexible. v10: the current leader (KIP-951).
 * v11: as v10. v0 to v2 differ from v3 only by the transactional id; older record formats are the
 * reader's business.
 */
export const Produce = api(
  0,
  { name: 'Produce', versions: '0-11', flexible: '9+' },
  {
    request: {
      transactionalId: nullable(string).since(3),
      acks: int16,
      timeoutMs: int32,
      topicData: array({
        name: string,
        partitionData: array({ index: int32, records: nullable(records) }),
      }),
    },
    response: {
      responses: array({
        name: string,
        partitionResponses: array({
          index: int32,
          errorCode: int16,
          baseOffset: int64,
          logAppendTimeMs: int64.since(2).default(-1),
          logStartOffset: int64.since(5).default(-1),
          recordErrors: array({
            batchIndex: int32,
            batchIndexErrorMessage: nullable(string),
          }).since(8),
          errorMessage: nullable(string).since(8),
          currentLeader: struct({
            leaderId: int32.default(-1),
            leaderEpoch: int32.default(-1),
          }).tag(0, 10),
        }),
      }),
      throttleTimeMs: int32.since(1),
      nodeEndpoints: array({
        nodeId: int32,
        host: string,
        port: int32,
        rack: nullable(string),
      }).tag(0, 10),
    },
  },
);
