export * from './api';
export { GroupCoordinator, type GroupCoordinatorDeps } from './coordinator/coordinator';
export { defaultGroupLimits, type GroupLimits } from './limits';
export { groupMetrics } from './metrics';
