import { api } from '../api';
import { array, int16, int32, string } from '../schema';

/** OffsetDelete: forgets committed offsets of a group (KIP-496). Never flexible. */
export const OffsetDelete = api(
  47,
  { name: 'OffsetDelete', versions: '0-0', flexible: 'none' },
  {
    request: {
      groupId: string,
      topics: array({ name: string, partitions: array({ partitionIndex: int32 }) }),
    },
    response: {
      errorCode: int16,
      throttleTimeMs: int32.default(0),
      topics: array({
        name: string,
        partitions: array({ partitionIndex: int32, errorCode: int16 }),
      }),
    },
  },
);
