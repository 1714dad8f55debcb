export { kindOfKey, type KeyKind } from './fsck/key-kinds';
export { Housekeeping, type HousekeepingDeps, type RunRequest } from './housekeeping';
export { fsckLimits } from './fsck/fsck-limits';
export type { HousekeepingQueue } from './queue/bullmq';
export { jobLimits, type JobLimits } from './queue/job-limits';
export { jobMetricDefinitions } from './queue/job-metrics';
export type { JobCounts, LastRun, RunFilter, Schedule } from './queue/job-queue';
export { jobKinds, type JobKind, type JobReport } from './queue/kinds';
export type { JobRun, RunState } from './queue/runs';
export { retentionLimits } from './limits';
export { scheduleLimits, type HousekeepingOptions } from './options';
export {
  checkIntervalMs,
  TopicTrimmer,
  type TopicTrimmerDeps,
  type TrimReport,
} from './trim/topic-trimmer';
