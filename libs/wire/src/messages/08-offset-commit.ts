import { api } from '../api';
import { array, int16, int32, int64, nullable, string } from '../schema';

/**
 * OffsetCommit: remembers how far a group has come.
 *
 * v2 to v4: retention time. v3: throttle time. v6: leader epochs. v7: static members. v8: flexible.
 * v9: member epochs of KIP-848 in the place of the generation.
 */
export const OffsetCommit = api(
  8,
  { name: 'OffsetCommit', versions: '2-9', flexible: '8+' },
  {
    request: {
      groupId: string,
      generationIdOrMemberEpoch: int32.default(-1),
      memberId: string.default(''),
      groupInstanceId: nullable(string).since(7),
      retentionTimeMs: int64.until(4).default(-1),
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: int32.since(6).default(-1),
          committedMetadata: nullable(string),
        }),
      }),
    },
    response: {
      throttleTimeMs: int32.since(3),
      topics: array({
        name: string,
        partitions: array({ partitionIndex: int32, errorCode: int16 }),
      }),
    },
  },
);
