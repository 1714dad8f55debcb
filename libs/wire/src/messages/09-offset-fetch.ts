import { api } from '../api';
import { array, bool, int16, int32, int64, nullable, string } from '../schema';

/**
 * OffsetFetch: how far a group has come.
 *
 * v2: null topics mean all; an error code for the group. v3: throttle time. v5: leader epochs. v6:
 * flexible. v7: only stable offsets, if asked for. v8: several groups at once. v9: member id and
 * epoch (KIP-848).
 */
export const OffsetFetch = api(
  9,
  { name: 'OffsetFetch', versions: '1-9', flexible: '6+' },
  {
    request: {
      groupId: string.until(7),
      topics: nullable(array({ name: string, partitionIndexes: array(int32) }), 2).until(7),
      groups: array({
        groupId: string,
        memberId: nullable(string).since(9),
        memberEpoch: int32.since(9).default(-1),
        topics: nullable(array({ name: string, partitionIndexes: array(int32) })),
      }).since(8),
      requireStable: bool.since(7),
    },
    response: {
      throttleTimeMs: int32.since(3),
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: int32.since(5).default(-1),
          metadata: nullable(string),
          errorCode: int16,
        }),
      }).until(7),
      errorCode: int16.since(2).until(7),
      groups: array({
        groupId: string,
        topics: array({
          name: string,
          partitions: array({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32.default(-1),
            metadata: nullable(string),
            errorCode: int16,
          }),
        }),
        errorCode: int16,
      }).since(8),
    },
  },
);
