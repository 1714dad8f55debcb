import { api } from '../api';
import { array, int16, int32, int64, int8, string } from '../schema';

/**
 * ListOffsets: the first, the last, or the first offset at a time.
 *
 * v2: isolation level. v4: leader epochs. v6: flexible. v7: largest timestamp (-3). v8: earliest
 * local (-4). v9: latest tiered (-5). v10: timeout for remote look-ups.
 */
export const ListOffsets = api(
  2,
  { name: 'ListOffsets', versions: '1-10', flexible: '6+' },
  {
    request: {
      replicaId: int32.default(-1),
      isolationLevel: int8.since(2),
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          currentLeaderEpoch: int32.since(4).default(-1),
          timestamp: int64,
        }),
      }),
      timeoutMs: int32.since(10),
    },
    response: {
      throttleTimeMs: int32.since(2),
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          errorCode: int16,
          timestamp: int64.default(-1),
          offset: int64.default(-1),
          leaderEpoch: int32.since(4).default(-1),
        }),
      }),
    },
  },
);
