import type { Cluster } from '@sluice/cluster';

/** What the groups need of the cluster. */
export type GroupCluster = Pick<
  Cluster,
  'coordinatorEpochOf' | 'isSure' | 'onChange' | 'raiseCoordinator'
>;

/** One coordinator that has all groups; only the random part of a fence tells it from another. */
export const loneCoordinator: GroupCluster = {
  isSure: true,
  coordinatorEpochOf: () => 0,
  onChange: () => () => undefined,
  raiseCoordinator: () => Promise.resolve(),
};
