import { DescribeCluster, ErrorCode } from '@sluice/wire';
import { authorizedOperations } from '../requests/authorized-operations';
import { handle } from '../requests/handler';

/** Brokers are all there is to describe; Kafka's other kind is controllers (KIP-919). */
const brokerEndpoints = 1;
const controllerEndpoints = 2;

/**
 * DescribeCluster, v0–v2. v1: endpoint types. v2: fenced brokers (none is listed). Authorized
 * operations are all, for there are no ACLs.
 */
export const describeCluster = handle(DescribeCluster, ({ services, apiVersion }, request) => {
  const { cluster, clusterId } = services;
  if (apiVersion >= 1 && request.endpointType !== brokerEndpoints) {
    const isKnown = request.endpointType === controllerEndpoints;
    const { MISMATCHED_ENDPOINT_TYPE, UNSUPPORTED_ENDPOINT_TYPE } = ErrorCode;
    return {
      errorCode: isKnown ? MISMATCHED_ENDPOINT_TYPE : UNSUPPORTED_ENDPOINT_TYPE,
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
    controllerId: cluster.controllerId,
    brokers: cluster
      .brokers()
      .map(({ id, host, port, rack }) => ({ brokerId: id, host, port, rack })),
    clusterAuthorizedOperations: authorizedOperations(
      'cluster',
      request.includeClusterAuthorizedOperations,
    ),
  };
});
