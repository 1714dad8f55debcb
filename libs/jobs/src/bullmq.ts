import type { Job, Queue, Worker } from 'bullmq';
import type { JobData } from './job-data';

export type StreamQueue = Queue<JobData, unknown, string>;
export type BullJob = Job<JobData, unknown, string>;
export type StreamWorker = Worker<JobData, unknown, string>;

/** BullMQ, which is loaded only where there are jobs. */
export function loadBullmq(): Promise<typeof import('bullmq')> {
  return import('bullmq');
}
