export { Housekeeping, type HousekeepingDeps, type RunRequest } from './housekeeping';
export { fsckLimits } from './fsck/fsck-limits';
export type { HousekeepingQueue } from './jobs/bullmq';
export { jobLimits, type JobLimits } from './jobs/job-limits';
export { jobMetricDefinitions } from './jobs/job-metrics';
export type { JobCounts, LastRun, RunFilter, Schedule } from './jobs/job-queue';
export { jobKinds, jobKindsExplained, type JobKind, type JobReport } from './jobs/kinds';
export type { JobRun, RunState } from './jobs/runs';
export { retentionLimits } from './limits';
export { scheduleLimits, type HousekeepingOptions } from './options';
export {
  checkIntervalMs,
  TopicTrimmer,
  type TopicTrimmerDeps,
  type TrimReport,
} from './trim/topic-trimmer';
