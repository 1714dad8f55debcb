import { api } from '../api';
import { array, int16, int32, nullable, string } from '../schema';

/** ListPartitionReassignments: the moves that are under way. v0: flexible already. */
export const ListPartitionReassignments = api(
  46,
  { name: 'ListPartitionReassignments', versions: '0-0', flexible: '0+' },
  {
    request: {
      timeoutMs: int32.default(60_000),
      topics: nullable(array({ name: string, partitionIndexes: array(int32) })),
    },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16,
      errorMessage: nullable(string),
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          replicas: array(int32),
          addingReplicas: array(int32),
          removingReplicas: array(int32),
        }),
      }),
    },
  },
);
