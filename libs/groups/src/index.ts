export * from './api';
export type { AssignorName } from './assigned/assignors/assignor';
export { GroupRefused, type RefusalReason } from './assigned/group-refused';
export type {
  CommitOutcome,
  Grant,
  MemberListener,
  MemberPartition,
  MemberSettings,
} from './assigned/session/session-api';
export { MemberSession, type MemberSessionDeps } from './assigned/session/member-session';
export type { TopicSource } from './assigned/session/topics';
export type { OwnOffset } from './store/offsets';
export type { GroupCluster } from './coordinator/group-cluster';
export { GroupCoordinator, type GroupCoordinatorDeps } from './coordinator/coordinator';
export { defaultGroupLimits, type GroupLimits } from './limits';
export {
  GroupHousekeeping,
  type GroupHousekeepingDeps,
  type GroupSweepReport,
} from './housekeeping/group-housekeeping';
export { GroupKeys } from './store/keys';
export { groupMetrics } from './metrics';
export type { AssignedPartition } from './operating/assignment';
export { GroupRefusal } from './operating/group-refusal';
export {
  resetOffsets,
  type PartitionReset,
  type ResetRequest,
  type ResetResult,
  type ResetTarget,
} from './operating/offset-reset';
export {
  GroupOperator,
  type GroupMember,
  type GroupOperatorDeps,
  type GroupSummary,
  type GroupView,
  type PartitionLag,
} from './operating/operator';
