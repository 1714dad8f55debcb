import type { Clock, Logger } from '@sluice/base';
import { isConnectionLoss } from '@sluice/redis';
import type { HousekeepingJob } from './bullmq';
import type { JobLimits } from './job-limits';
import type { JobMetrics } from './job-metrics';
import type { JobQueue } from './job-queue';
import { hasFreed, type JobKind, type JobReport, type Tasks } from './kinds';
import { Lease, type BreakOff } from './lease';
import type { JobRun } from './runs';

/** What jobs are run with. */
export interface JobRunnerDeps {
  tasks: Tasks;
  queue: JobQueue;
  clock: Clock;
  log: Logger;
  limits: JobLimits;
  metrics: JobMetrics;
}

/** A job was broken off between two steps; what it had done counts. */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff';

  constructor(readonly why: BreakOff) {
    super(why === 'stopping' ? 'the worker is being stopped' : 'the lock of the job was lost');
  }
}

/** The same is being done by another job; this one was asked for, and is to be done after it. */
export class MustWait extends Error {
  override readonly name = 'MustWait';
}

/** Runs that are worth remembering even where they have freed nothing. */
const alwaysKept: readonly string[] = ['retention', 'fsck'];

/**
 * Runs jobs that a worker has taken: one lease a job, one line a run, numbers for the metrics, and
 * what it freed as the job's result.
 */
export class JobRunner {
  readonly #leases = new Map<string, Lease>();

  constructor(private readonly deps: JobRunnerDeps) {}

  /** Redis has confirmed the locks of these jobs. */
  renewed(jobIds: readonly string[]): void {
    for (const id of jobIds) this.#leases.get(id)?.renewed();
  }

  /** The locks of these jobs are another's, or nobody's. */
  lost(jobIds: readonly string[]): void {
    for (const id of jobIds) this.#leases.get(id)?.end('lock-lost');
  }

  /** Breaks off everything at its next step. */
  stop(): void {
    for (const lease of this.#leases.values()) lease.end('stopping');
  }

  /** Does what a job would do, without one. @throws why it failed */
  async direct(kind: JobKind, signal: AbortSignal): Promise<void> {
    const { tasks, clock, log, metrics } = this.deps;
    const startedMs = clock.monotonicMs();
    const result = await tasks[kind].run({}, signal);
    const ms = Math.round(clock.monotonicMs() - startedMs);
    const report = { records: 0, bytes: 0, keys: 0, details: {}, ...result, ms };
    metrics.ended(kind, 'done');
    metrics.freed(kind, report);
    const { details, ...freed } = report;
    log.info(`${kind} is done without the queue`, { ...freed, ...details });
  }

  /**
   * Does the job. @returns what it freed
   *
   * @throws BrokenOff, MustWait, or why it failed
   */
  async run(job: HousekeepingJob, isStopping: () => boolean): Promise<JobReport> {
    const { clock, limits } = this.deps;
    // A little less than the lock lasts, as its time began before this is known here.
    const lease = new Lease(clock, limits.lockMs * 0.9);
    const id = job.id ?? '';
    this.#leases.set(id, lease);
    if (isStopping()) lease.end('stopping');
    try {
      return await this.#run(job, lease);
    } finally {
      lease.close();
      this.#leases.delete(id);
    }
  }

  async #run(job: HousekeepingJob, lease: Lease): Promise<JobReport> {
    const { tasks, clock, metrics } = this.deps;
    const kind = job.name;
    const startedMs = clock.monotonicMs();
    try {
      const earlier = await this.#underWay(job);
      if (earlier.length > 0) return this.#skipped(job, earlier);
      const task = tasks[kind];
      if (task === undefined) throw new Error(`there is no job "${kind}" in this version`);
      const result = await task.run(job.data, lease.signal);
      if (lease.brokenOff !== null) throw new BrokenOff(lease.brokenOff);
      const ms = Math.round(clock.monotonicMs() - startedMs);
      const report = { records: 0, bytes: 0, keys: 0, details: {}, ...result, ms };
      await this.#done(job, report);
      return report;
    } catch (thrown) {
      if (thrown instanceof MustWait) throw thrown;
      const isBrokenOff = lease.brokenOff !== null;
      const error = isBrokenOff ? new BrokenOff(lease.brokenOff!) : (thrown as Error);
      metrics.ended(kind, isBrokenOff ? 'broken-off' : 'failed');
      this.#tell(job, error);
      throw error;
    }
  }

  async #done(job: HousekeepingJob, report: JobReport): Promise<void> {
    const { log, metrics, queue, clock } = this.deps;
    const kind = job.name;
    metrics.ended(kind, 'done');
    metrics.freed(kind, report);
    const { details, ...freed } = report;
    const isAsked = job.repeatJobKey === undefined;
    const hasNews = hasFreed(report) || isAsked;
    // A topic with a short retention is trimmed every second.
    const level = hasNews && kind !== 'short-retention' ? 'info' : 'debug';
    log[level](`job ${kind} is done`, { ...freed, ...details });
    await queue.noteRun(kind, { endedAtMs: clock.nowMs(), report });
    if (!hasNews && !alwaysKept.includes(kind)) forget(job);
    if (kind === 'short-retention') forget(job);
  }

  /**
   * A run of a schedule is not done when one that does as much is under way. What was asked for, by
   * an operator or by a change of configs, may know of what that one has passed already.
   *
   * @throws MustWait
   */
  #skipped(job: HousekeepingJob, earlier: readonly JobRun[]): JobReport {
    const removes = job.data.remove ?? false;
    const isDone = earlier.some((run) => run.removes || !removes);
    const isOfSchedule = job.repeatJobKey !== undefined;
    if (!isOfSchedule || !isDone) throw new MustWait(`job ${job.name} is under way`);
    this.deps.log.debug(`job ${job.name} is under way already`);
    forget(job);
    return { records: 0, bytes: 0, keys: 0, ms: 0, details: { skipped: true } };
  }

  /**
   * Jobs of the same kind that were taken before this one and are being done. The list of those
   * is one for all workers, the last taken first, so of two exactly one goes on. One whose worker
   * has died is in it until that is noticed, and then is begun anew.
   */
  async #underWay(job: HousekeepingJob): Promise<JobRun[]> {
    if (job.data.topicId !== undefined) return [];
    const active = await this.deps.queue.active();
    const own = active.findIndex(({ id }) => id === job.id);
    const earlier = active.slice(own + 1);
    return earlier.filter(({ kind, topicId }) => kind === job.name && topicId === null);
  }

  #tell(job: HousekeepingJob, error: Error): void {
    const { log, limits } = this.deps;
    const fields = { id: job.id, attempt: job.attemptsMade + 1, error: error.message };
    if (error instanceof BrokenOff) return log.info(`job ${job.name} is broken off`, fields);
    // That Redis is away is told once, and not by every job.
    if (isConnectionLoss(error)) return log.debug(`job ${job.name} failed`, fields);
    const attemptsMax = job.opts.attempts ?? limits.attemptsMax;
    const isLast = job.attemptsMade + 1 >= attemptsMax;
    log.warn(`job ${job.name} failed${isLast ? '' : '; it is tried again'}`, fields);
  }
}

/** Leaves nothing of the run once it is done, so that those with news are remembered for longer. */
function forget(job: HousekeepingJob): void {
  job.opts.removeOnComplete = true;
}
