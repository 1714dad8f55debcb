export type {
  BrokerAddress,
  BrokerInfo,
  Cluster,
  ClusterChange,
  ClusterOutcome,
  ClusterView,
  Placement,
} from './api';
export { SingleGateway, type OwnDescription } from './single-gateway';
