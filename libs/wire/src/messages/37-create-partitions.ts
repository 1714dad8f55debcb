import { api } from '../api';
import { array, bool, int16, int32, nullable, string } from '../schema';

/**
 * CreatePartitions: raises the number of partitions. v1: as v0, with quotas. v2: flexible. v3:
 * quota errors.
 */
export const CreatePartitions = api(
  37,
  { name: 'CreatePartitions', versions: '0-3', flexible: '2+' },
  {
    request: {
      topics: array({
        name: string,
        count: int32,
        assignments: nullable(array({ brokerIds: array(int32) })),
      }),
      timeoutMs: int32,
      validateOnly: bool.default(false),
    },
    response: {
      throttleTimeMs: int32.default(0),
      results: array({ name: string, errorCode: int16, errorMessage: nullable(string) }),
    },
  },
);
