export type {
  BrokerAddress,
  BrokerInfo,
  Cluster,
  ClusterChange,
  ClusterOutcome,
  ClusterView,
  Placement,
} from './api';
export { GatewayCluster, type GatewayClusterDeps } from './gateway-cluster';
export { clusterKeys, type ClusterKeys } from './keys';
export { clusterLimits, type ClusterLimits } from './limits';
export { BrokerIdHeld } from './membership/held-id';
export type { MemberOptions } from './membership/membership';
export { clusterMetrics } from './metrics';
export { coordinatorsTopicId, slotOfGroup } from './view/group-slot';
