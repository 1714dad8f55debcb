import type { RecordHeader } from '@sluice/streams';
import type { BullJob } from './bullmq';
import { bytesOf, headersOf } from './job-data';

/** A job that is being done: the record that it came from, and how it goes. */
export interface StreamJobContext {
  readonly queue: string;
  readonly jobId: string;
  /** 1 for the first attempt. One that ended with its process is none, and has its number again. */
  readonly attempt: number;
  readonly attempts: number;
  /** How often a process that had begun the job went silent. */
  readonly takeOvers: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  /** The value's own bytes. */
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** Aborted when the job is to be given up: the process stops, or another has the job by now. */
  readonly signal: AbortSignal;
  /** BullMQ's own, for its progress and its log. */
  readonly job: BullJob;
}

export function contextOf(queue: string, job: BullJob, signal: AbortSignal): StreamJobContext {
  const { topic, partition, offset, timestampMs } = job.data;
  return {
    queue,
    jobId: job.id ?? '',
    attempt: job.attemptsMade + 1,
    attempts: job.opts.attempts ?? 1,
    takeOvers: job.stalledCounter,
    topic,
    partition,
    offset,
    timestampMs,
    key: bytesOf(job.data.key),
    value: bytesOf(job.data.value),
    headers: headersOf(job.data),
    signal,
    job,
  };
}
