import type { Job, Queue } from 'bullmq';
import type { JobData, JobKind, JobReport } from './kinds';

/** The one queue. Its keys are `<prefix>{jobs}:housekeeping:…`, all in one slot. */
export const queueName = 'housekeeping';

/** What BullMQ puts before the queue's name. */
export function jobsPrefix(keyPrefix: string): string {
  return `${keyPrefix}{jobs}`;
}

/** The workers that are there. */
export function workersKey(keyPrefix: string): string {
  return `${jobsPrefix(keyPrefix)}:workers`;
}

/** The last run of each kind of job. */
export function lastRunsKey(keyPrefix: string): string {
  return `${jobsPrefix(keyPrefix)}:last-runs`;
}

export type HousekeepingQueue = Queue<JobData, JobReport, JobKind>;
export type HousekeepingJob = Job<JobData, JobReport, JobKind>;

/** BullMQ, which is loaded only when it is needed: after everything else has started. */
export function loadBullmq(): Promise<typeof import('bullmq')> {
  return import('bullmq');
}
