import { DescribeCluster, ErrorCode, noAuthorizedOperations } from '@sluice/wire';
import { handle } from '../requests/handler';

/** Brokers are all there is to describe; Kafka's other kind is controllers (KIP-919). */
const brokerEndpoints = 1;

/** DescribeCluster, v0–v2. v1: endpoint types. v2: fenced brokers (none is listed). */
export const describeCluster = handle(DescribeCluster, ({ services, apiVersion }, request) => {
  const { options, advertised, clusterId } = services;
  if (apiVersion >= 1 && request.endpointType !== brokerEndpoints) {
    const errorCode = ErrorCode.UNSUPPORTED_ENDPOINT_TYPE;
    return {
      errorCode,
      errorMessage: 'Only brokers can be described.',
      clusterId,
      controllerId: -1,
      brokers: [],
    };
  }
  return {
    errorCode: ErrorCode.NONE,
    endpointType: brokerEndpoints,
    clusterId,
    controllerId: options.brokerId,
    brokers: [
      { brokerId: options.brokerId, host: advertised.host, port: advertised.port, rack: null },
    ],
    clusterAuthorizedOperations: noAuthorizedOperations,
  };
});
