export {
  StreamJobsBoardModule,
  type BoardMiddleware,
  type StreamJobsBoardOptions,
} from './board/jobs-board';
export type { StreamJobContext } from './context';
export { streamJobMetrics } from './metrics';
export { streamJobsLimits, type StreamJobsLimits } from './limits';
export { StreamJob, type StreamJobMethod } from './nest/stream-job';
export {
  STREAM_JOBS_GROUND,
  StreamJobs,
  type StreamJobFeed,
  type StreamJobsGround,
  type StreamJobsOptions,
} from './nest/stream-jobs';
export { StreamJobsModule, type StreamJobsModuleOptions } from './nest/jobs-module';
export { StreamJobMistake, type JobDeadLetterOptions, type StreamJobOptions } from './options';
export type { JobsRole } from './queue-process';
