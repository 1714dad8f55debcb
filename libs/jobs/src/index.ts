export { streamJobsLimits } from './limits';
export { StreamJobMistake, type JobDeadLetterOptions, type StreamJobOptions } from './options';
