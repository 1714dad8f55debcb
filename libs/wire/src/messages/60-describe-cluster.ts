import { api } from '../api';
import { noAuthorizedOperations } from '../authorized-operations';
import { array, bool, int16, int32, int8, nullable, string } from '../schema';

/**
 * DescribeCluster: the brokers. v0: flexible already. v1: endpoint type (KIP-919). v2: fenced
 * brokers.
 */
export const DescribeCluster = api(
  60,
  { name: 'DescribeCluster', versions: '0-2', flexible: '0+' },
  {
    request: {
      includeClusterAuthorizedOperations: bool.default(false),
      endpointType: int8.since(1).default(1),
      includeFencedBrokers: bool.since(2),
    },
    response: {
      throttleTimeMs: int32.default(0),
      errorCode: int16,
      errorMessage: nullable(string),
      endpointType: int8.since(1).default(1),
      clusterId: string,
      controllerId: int32.default(-1),
      brokers: array({
        brokerId: int32,
        host: string,
        port: int32,
        rack: nullable(string),
        isFenced: bool.since(2),
      }),
      clusterAuthorizedOperations: int32.default(noAuthorizedOperations),
    },
  },
);
