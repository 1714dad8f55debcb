export * from './api';
export { GroupCoordinator, type GroupCoordinatorDeps } from './coordinator/coordinator';
export { defaultGroupLimits, type GroupLimits } from './limits';
export {
  GroupHousekeeping,
  type GroupHousekeepingDeps,
  type GroupSweepReport,
} from './housekeeping/group-housekeeping';
export { GroupKeys } from './store/keys';
export { groupMetrics } from './metrics';
