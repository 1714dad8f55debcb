import { jobLimits } from './job-limits';
import type { HousekeepingJob } from './bullmq';
import type { JobKind, JobReport } from './kinds';

/** How far a run is. */
export type RunState = 'waiting' | 'delayed' | 'running' | 'done' | 'failed';

/** One run of a job, as operators see it. */
export interface JobRun {
  id: string;
  kind: JobKind;
  /** The id of the one topic that it was asked for. */
  topicId: string | null;
  /** Of `fsck`: whether it removes what it finds. */
  removes: boolean;
  state: RunState;
  /** Times are ms since 1970, by the clocks of the processes that did it. */
  askedAtMs: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  /** How often it has failed. */
  failures: number;
  /** What it freed; null where it is not done. */
  report: JobReport | null;
  /** Why it failed, the last time that it did. */
  reason: string | null;
}

const states: Readonly<Record<string, RunState>> = {
  active: 'running',
  completed: 'done',
  delayed: 'delayed',
  failed: 'failed',
};

/** BullMQ's job as a run; `state` is what BullMQ calls it. */
export function runOf(job: HousekeepingJob, state: string): JobRun {
  const { failedReason, returnvalue, data } = job;
  return {
    id: job.id ?? '',
    kind: job.name,
    topicId: data.topicId ?? null,
    removes: data.remove ?? false,
    state: states[state] ?? 'waiting',
    askedAtMs: job.timestamp,
    startedAtMs: job.processedOn ?? null,
    endedAtMs: job.finishedOn ?? null,
    failures: state === 'completed' ? job.attemptsMade - 1 : job.attemptsMade,
    report: state === 'completed' ? returnvalue : null,
    reason: failedReason ? failedReason.slice(0, jobLimits.failureCharactersMax) : null,
  };
}
