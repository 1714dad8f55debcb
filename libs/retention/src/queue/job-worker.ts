import type { Worker } from 'bullmq';
import { Periodic, type Clock, type Logger, type Random, type Timer } from '@sluice/base';
import { isErrorReply, type JobConnection, type RedisLink } from '@sluice/redis';
import { jobsPrefix, loadBullmq, queueName, type HousekeepingJob } from './bullmq';
import { isFull } from './full-redis';
import type { JobLimits } from './job-limits';
import { BrokenOff, MustWait, type JobRunner } from './job-runner';
import type { JobData, JobKind, JobReport } from './kinds';
import { WorkersAlive } from './workers-alive';

/** What a worker works with. */
export interface JobWorkerDeps {
  redis: RedisLink;
  runner: JobRunner;
  clock: Clock;
  log: Logger;
  random: Random;
  limits: JobLimits;
  /** Told each time that Redis refuses something because it is full. */
  onFull: () => void;
}

type BullWorker = Worker<JobData, JobReport, JobKind>;

/**
 * Takes jobs and has them run. Any number of workers share the queue. A job has one worker at a
 * time: who takes it holds a lock that has to be renewed, and when that fails the job is broken off
 * here, and begun anew by whoever finds it (`Lease`). While Redis is away the worker waits, and
 * says so once.
 */
export class JobWorker {
  readonly #alive: WorkersAlive;
  readonly #name: string;
  readonly #heartbeat: Periodic;
  #worker: BullWorker | null = null;
  #connection: JobConnection | null = null;
  #hold: Timer | null = null;
  #awaySinceMs: number | null = null;
  #isStopping = false;

  constructor(private readonly deps: JobWorkerDeps) {
    const { redis, clock, log, random, limits } = deps;
    this.#alive = new WorkersAlive(redis, limits);
    this.#name = random.uuid();
    this.#heartbeat = new Periodic({
      clock,
      log,
      name: 'saying that the worker is there',
      everyMs: limits.heartbeatEveryMs,
      failureLevel: 'debug',
      run: () => this.#alive.say(this.#name),
    });
  }

  /** Loads BullMQ, connects and begins to take jobs. */
  async start(): Promise<void> {
    const { Worker: Bull, WaitingError, DelayedError } = await loadBullmq();
    if (this.#isStopping) return;
    const { redis, limits, runner, clock } = this.deps;
    this.#connection = redis.openJobConnection('work', jobsPrefix(redis.keyPrefix));
    this.#watch(this.#connection);
    const run = async (job: HousekeepingJob, token?: string): Promise<JobReport> => {
      try {
        return await runner.run(job, () => this.#isStopping);
      } catch (error) {
        if (error instanceof MustWait) {
          // It keeps its id, and this does not count as a failure.
          await job.moveToDelayed(clock.nowMs() + limits.sameUnderWayWaitMs, token);
          throw new DelayedError();
        }
        if (!(error instanceof BrokenOff && error.why === 'stopping')) throw error;
        // Another worker goes on with it at once, and it does not count as a failure.
        await job.moveToWait(token);
        throw new WaitingError();
      }
    };
    const worker: BullWorker = new Bull(queueName, run, {
      connection: this.#connection.redis,
      prefix: jobsPrefix(redis.keyPrefix),
      concurrency: limits.jobsAtOnceMax,
      lockDuration: limits.lockMs,
      stalledInterval: limits.stalledCheckMs,
      maxStalledCount: limits.stalledMax,
      runRetryDelay: limits.refusedHoldMs,
    });
    worker.on('locksRenewed', ({ jobIds }) => runner.renewed(jobIds));
    worker.on('lockRenewalFailed', (jobIds) => runner.lost(jobIds));
    worker.on('error', (error) => this.#onError(error));
    this.#worker = worker;
    this.#heartbeat.start(0);
  }

  /** Breaks off what it does, so that another worker goes on with it, and gives up its place. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#hold?.cancel();
    this.deps.runner.stop();
    await this.#heartbeat.stop();
    await this.#closeWorker();
    if (this.#connection === null) return;
    await this.#connection.close();
    await this.#alive.leave(this.#name).catch(() => undefined);
  }

  /** In good order, if Redis lets it; else its connections are cut. */
  async #closeWorker(): Promise<void> {
    const { clock, limits } = this.deps;
    const worker = this.#worker;
    if (worker === null) return;
    const closed = worker.close().catch(() => undefined);
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = clock.setTimer(limits.closeMsMax, resolve);
    });
    await Promise.race([closed, late]);
    timer?.cancel();
  }

  #watch({ redis }: JobConnection): void {
    const { clock, log } = this.deps;
    redis.on('close', () => {
      if (this.#isStopping || this.#awaySinceMs !== null) return;
      this.#awaySinceMs = clock.monotonicMs();
      log.warn('the retention worker waits for Redis');
    });
    redis.on('ready', () => {
      if (this.#awaySinceMs === null) return;
      const waitedMs = Math.round(clock.monotonicMs() - this.#awaySinceMs);
      this.#awaySinceMs = null;
      log.warn('the retention worker goes on', { waitedMs });
    });
  }

  /**
   * What Redis refuses (a right, a write on a replica) it would refuse again at once, and BullMQ
   * would ask again at once; so the worker rests a moment.
   */
  #onError(error: Error): void {
    const { clock, log, limits, onFull } = this.deps;
    log.debug('the retention worker met an error', { error: error.message });
    if (isFull(error)) onFull();
    if (!isErrorReply(error) || this.#isStopping || this.#hold !== null) return;
    void this.#worker?.pause(true);
    this.#hold = clock.setTimer(limits.refusedHoldMs, () => {
      this.#hold = null;
      if (!this.#isStopping) void this.#worker?.resume();
    });
  }
}
