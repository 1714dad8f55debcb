export type {
  BrokerAddress,
  BrokerInfo,
  Cluster,
  ClusterChange,
  ClusterOutcome,
  ClusterView,
  Placement,
} from './api';
export type { ClusterOptions } from './cluster-options';
export { clusterLimits } from './limits';
export { BrokerIdHeld } from './membership/held-id';
export { clusterMetrics } from './metrics';
