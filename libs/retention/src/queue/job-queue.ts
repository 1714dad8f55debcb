import type { JobsOptions } from 'bullmq';
import type { Clock, Timer } from '@sluice/base';
import { attempt, RedisUnavailable, type JobConnection, type RedisLink } from '@sluice/redis';
import {
  jobsPrefix,
  lastRunsKey,
  loadBullmq,
  queueName,
  type HousekeepingJob,
  type HousekeepingQueue,
} from './bullmq';
import type { JobLimits } from './job-limits';
import type { JobData, JobKind, JobReport } from './kinds';
import { runOf, type JobRun } from './runs';

/** How many jobs are in which state. */
export interface JobCounts {
  waiting: number;
  delayed: number;
  running: number;
  done: number;
  failed: number;
}

/** A job that is done again and again. */
export interface Schedule {
  kind: JobKind;
  everyMs: number;
  /** Ms since 1970; null where none is planned, which the next look at the schedules puts right. */
  nextRunAtMs: number | null;
}

/** What a worker notes of the last run of a kind. */
export interface LastRun {
  endedAtMs: number;
  report: JobReport;
}

/** Which runs are wanted. */
export interface RunFilter {
  states?: readonly ('done' | 'failed' | 'running' | 'waiting' | 'delayed')[];
  /** How many of the newest to pass over, and how many to give at most. */
  offset?: number;
  limit?: number;
}

/** What the queue works with. */
export interface JobQueueDeps {
  redis: RedisLink;
  clock: Clock;
  limits: JobLimits;
}

const bullStates = {
  done: 'completed',
  failed: 'failed',
  running: 'active',
  waiting: 'waiting',
  delayed: 'delayed',
} as const;

const runsPerPage = 50;

/**
 * The queue of jobs, as it is in Redis. BullMQ and a connection are there from the first use on. A
 * Redis that is away is told at once.
 *
 * All methods throw RedisUnavailable when nothing was done, and UnknownOutcome when it may have
 * been.
 */
export class JobQueue {
  #opened: Promise<HousekeepingQueue> | null = null;
  #connection: JobConnection | null = null;
  #isClosed = false;
  #wasReady = false;

  constructor(private readonly deps: JobQueueDeps) {}

  /** BullMQ's own queue, for who shows it as a whole. */
  async queue(): Promise<HousekeepingQueue> {
    if (this.#isClosed) throw new RedisUnavailable('disconnected', 'the process is stopping');
    this.#opened ??= this.#open();
    const queue = await this.#opened;
    if (!this.#wasReady) await this.#firstReady(queue);
    return queue;
  }

  /** Ends it; safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const queue = await this.#opened?.catch(() => null);
    // BullMQ would wait for a Redis that may never come.
    const closing = queue?.close().catch(() => undefined);
    await this.#connection?.close();
    await closing;
  }

  /**
   * Adds a job, unless the same is waiting; if the same is being done, it is done once more after
   * that. What was configured in the meantime is so obeyed in any case.
   *
   * @param same which jobs are the same
   * @returns the id of the job that will be done
   */
  async add(kind: JobKind, data: JobData, same: string, delayMs = 0): Promise<string> {
    const deduplication = { id: same, keepLastIfActive: true };
    const options = { ...this.optionsOf(kind), deduplication, delay: delayMs };
    const job = await this.#run('add', (queue) => queue.add(kind, data, options));
    return job.id ?? '';
  }

  /** What all jobs have in common. */
  optionsOf(kind: JobKind): JobsOptions {
    const { attemptsMax, retryDelayMs, doneRunsMax, failedRunsMax } = this.deps.limits;
    // A run of a schedule is followed by the next anyway.
    const attempts = kind === 'short-retention' ? 1 : attemptsMax;
    return {
      attempts,
      backoff: { type: 'exponential', delay: retryDelayMs },
      removeOnComplete: { count: doneRunsMax },
      removeOnFail: { count: failedRunsMax },
    };
  }

  async counts(): Promise<JobCounts> {
    const states = Object.values(bullStates);
    const found = await this.#run('counts', (queue) => queue.getJobCounts(...states));
    return {
      waiting: found['waiting'] ?? 0,
      delayed: found['delayed'] ?? 0,
      running: found['active'] ?? 0,
      done: found['completed'] ?? 0,
      failed: found['failed'] ?? 0,
    };
  }

  /** Runs in some states (by default those that have ended), the newest first. */
  async runs({ states, offset = 0, limit = runsPerPage }: RunFilter = {}): Promise<JobRun[]> {
    const wanted = states ?? (['done', 'failed'] as const);
    const found = wanted.map(async (state) => {
      const bullState = bullStates[state];
      const jobs = await this.#run('runs', (queue) =>
        queue.getJobs([bullState], 0, offset + limit - 1),
      );
      // BullMQ gives nothing for a job that has gone meanwhile.
      return jobs.filter(Boolean).map((job) => runOf(job, bullState));
    });
    const runs = (await Promise.all(found)).flat();
    return runs.sort((a, b) => atMs(b) - atMs(a)).slice(offset, offset + limit);
  }

  /** One run; null where there is none, or it is so old that it was forgotten. */
  async run(id: string): Promise<JobRun | null> {
    // In this order: of a run that is done by now, all of it is there.
    const state = await this.#run('state', (queue) => queue.getJobState(id));
    const job = await this.#job(id);
    return job === null ? null : runOf(job, state);
  }

  /** Has a run that failed for good tried again. */
  async retry(id: string): Promise<'retried' | 'not-found' | 'not-failed'> {
    const job = await this.#job(id);
    if (job === null) return 'not-found';
    if (!(await attempt('jobs/state', job.isFailed()))) return 'not-failed';
    await attempt('jobs/retry', job.retry('failed', { resetAttemptsMade: true }));
    return 'retried';
  }

  /** What is being done by any worker, the last that was begun first. */
  async active(): Promise<JobRun[]> {
    const jobs = await this.#run('active', (queue) => queue.getJobs(['active']));
    return jobs.filter(Boolean).map((job) => runOf(job, 'active'));
  }

  /** Whether a job is there that is in no list of the queue. */
  async isOrphan(id: string): Promise<boolean> {
    const state = await this.#run('state', (queue) => queue.getJobState(id));
    // Between its end and this it may have been forgotten.
    return state === 'unknown' && (await this.#job(id)) !== null;
  }

  /** Removes jobs that are in no list of the queue. @returns how many */
  removeOrphans(): Promise<number> {
    return this.#run('orphans', (queue) => queue.removeOrphanedJobs());
  }

  /** The schedules that there are. */
  async schedules(): Promise<Schedule[]> {
    const found = await this.#run('schedules', (queue) => queue.getJobSchedulers(0, -1, true));
    return found.map(({ key, every, next }) => {
      return { kind: key as JobKind, everyMs: Number(every ?? 0), nextRunAtMs: next ?? null };
    });
  }

  /**
   * Plans a kind of job, from `startAtMs` on, or from now on. A plan that was there gets the new
   * interval; where that is the same, its next run stays where it was.
   */
  async plan(kind: JobKind, everyMs: number, data: JobData, startAtMs?: number): Promise<void> {
    const opts = this.optionsOf(kind);
    const repeat = { every: everyMs, ...(startAtMs === undefined ? {} : { startDate: startAtMs }) };
    const template = { name: kind, data, opts };
    await this.#run('plan', (queue) => queue.upsertJobScheduler(kind, repeat, template));
  }

  async unplan(kind: JobKind): Promise<void> {
    await this.#run('unplan', (queue) => queue.removeJobScheduler(kind));
  }

  /** The last run of each kind that did its work, whoever did it. */
  async lastRuns(): Promise<Partial<Record<JobKind, LastRun>>> {
    const key = lastRunsKey(this.deps.redis.keyPrefix);
    const found = await attempt('jobs/last-runs', this.deps.redis.read.hgetall(key));
    const runs = Object.entries(found).map(([kind, text]) => [kind, JSON.parse(text) as LastRun]);
    return Object.fromEntries(runs) as Partial<Record<JobKind, LastRun>>;
  }

  /** Notes the last run of a kind. */
  async noteRun(kind: JobKind, run: LastRun): Promise<void> {
    const key = lastRunsKey(this.deps.redis.keyPrefix);
    await attempt('jobs/last-run', this.deps.redis.write.hset(key, kind, JSON.stringify(run)));
  }

  async #job(id: string): Promise<HousekeepingJob | null> {
    return (await this.#run('job', (queue) => queue.getJob(id))) ?? null;
  }

  async #run<T>(what: string, use: (queue: HousekeepingQueue) => Promise<T>): Promise<T> {
    const queue = await this.queue();
    return attempt(`jobs/${what}`, use(queue));
  }

  async #open(): Promise<HousekeepingQueue> {
    const { Queue: BullQueue } = await loadBullmq();
    const connection = this.deps.redis.openJobConnection(
      'ask',
      jobsPrefix(this.deps.redis.keyPrefix),
    );
    this.#connection = connection;
    const queue: HousekeepingQueue = new BullQueue(queueName, {
      connection: connection.redis,
      prefix: jobsPrefix(this.deps.redis.keyPrefix),
      streams: { events: { maxLen: this.deps.limits.eventsMax } },
    });
    // Whoever asks is told; nobody else has to be.
    queue.on('error', () => undefined);
    return queue;
  }

  /** BullMQ waits until its first connection is ready, for however long. */
  async #firstReady(queue: HousekeepingQueue): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = this.deps.clock.setTimer(this.deps.limits.connectMsMax, () =>
        reject(new RedisUnavailable('disconnected', 'jobs: there is no connection to Redis now')),
      );
    });
    try {
      await Promise.race([attempt('jobs/connect', queue.waitUntilReady()), late]);
      this.#wasReady = true;
    } finally {
      timer?.cancel();
    }
  }
}

/** When something was last done about a run. */
function atMs(run: JobRun): number {
  return run.endedAtMs ?? run.startedAtMs ?? run.askedAtMs;
}
