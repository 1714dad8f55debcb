import { api } from '../api';
import { array, int16, int32, int8, nullable, string } from '../schema';

/**
 * ElectLeaders: makes preferred replicas leaders, or any. v1: the kind of election, an error of the
 * whole. v2: flexible.
 */
export const ElectLeaders = api(
  43,
  { name: 'ElectLeaders', versions: '0-2', flexible: '2+' },
  {
    request: {
      electionType: int8.since(1),
      topicPartitions: nullable(array({ topic: string, partitions: array(int32) })),
      timeoutMs: int32.default(60_000),
    },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16.since(1),
      replicaElectionResults: array({
        topic: string,
        partitionResult: array({
          partitionId: int32,
          errorCode: int16,
          errorMessage: nullable(string),
        }),
      }),
    },
  },
);
