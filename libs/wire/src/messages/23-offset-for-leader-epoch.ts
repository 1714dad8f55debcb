import { api } from '../api';
import { array, int16, int32, int64, string } from '../schema';

/**
 * OffsetForLeaderEpoch: where a leadership ended. v2: current leader epoch. v3: replica id. v4:
 * flexible.
 */
export const OffsetForLeaderEpoch = api(
  23,
  { name: 'OffsetForLeaderEpoch', versions: '2-4', flexible: '4+' },
  {
    request: {
      replicaId: int32.since(3).default(-2),
      topics: array({
        topic: string,
        partitions: array({
          partition: int32,
          currentLeaderEpoch: int32.default(-1),
          leaderEpoch: int32,
        }),
      }),
    },
    response: {
      throttleTimeMs: int32.default(0),
      topics: array({
        topic: string,
        partitions: array({
          errorCode: int16,
          partition: int32,
          leaderEpoch: int32.default(-1),
          endOffset: int64.default(-1),
        }),
      }),
    },
  },
);
