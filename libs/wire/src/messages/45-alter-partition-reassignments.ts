import { api } from '../api';
import { array, bool, int16, int32, nullable, string } from '../schema';

/**
 * AlterPartitionReassignments: moves partitions to other brokers. v0: flexible already. v1: whether
 * the number of replicas may change.
 */
export const AlterPartitionReassignments = api(
  45,
  { name: 'AlterPartitionReassignments', versions: '0-1', flexible: '0+' },
  {
    request: {
      timeoutMs: int32.default(60_000),
      allowReplicationFactorChange: bool.since(1).default(true),
      topics: array({
        name: string,
        partitions: array({ partitionIndex: int32, replicas: nullable(array(int32)) }),
      }),
    },
    response: {
      throttleTimeMs: int32.default(0),
      allowReplicationFactorChange: bool.since(1).default(true),
      errorCode: int16,
      errorMessage: nullable(string),
      responses: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          errorCode: int16,
          errorMessage: nullable(string),
        }),
      }),
    },
  },
);
