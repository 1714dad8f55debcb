import type { Clock, Logger, Timer } from '@sluice/base';
import { isErrorReply, type JobConnection, type RedisLink } from '@sluice/redis';
import { loadBullmq, type BullJob, type StreamWorker } from '../bullmq';
import { contextOf, type StreamJobContext } from '../context';
import { queuePrefix } from '../keys';
import type { StreamJobsLimits } from '../limits';
import type { AttemptOutcome, JobsMeter } from '../metrics';
import type { JobSettings } from '../options';
import { isUnrecoverable, UndecodableRecord } from './job-errors';

/** Does one job. What it returns, as JSON, is remembered as the job's result. */
export type JobHandler = (value: unknown, context: StreamJobContext) => unknown;

/** What a worker works with. */
export interface JobWorkerDeps {
  redis: RedisLink;
  clock: Clock;
  log: Logger;
  limits: StreamJobsLimits;
  meter: JobsMeter;
  settings: JobSettings;
  handle: JobHandler;
  /** Told each time that a job has failed for good. */
  onFailed: () => void;
}

/**
 * Takes jobs of a queue and has them done. Any number of workers share a queue, here and in other
 * processes. A job whose worker dies is begun anew by another, so a handler may be called twice for
 * one job.
 */
export class JobWorker {
  #worker: StreamWorker | null = null;
  #connection: JobConnection | null = null;
  #hold: Timer | null = null;
  #isStopping = false;

  constructor(private readonly deps: JobWorkerDeps) {}

  /** Loads BullMQ, connects and begins to take jobs. */
  async start(): Promise<void> {
    const bullmq = await loadBullmq();
    if (this.#isStopping) return;
    const { redis, limits, settings } = this.deps;
    this.#connection = redis.openJobConnection(
      'work',
      queuePrefix(redis.keyPrefix, settings.queue),
    );
    const run = (job: BullJob, token?: string, signal?: AbortSignal) =>
      this.#run(bullmq, job, token, signal);
    const worker: StreamWorker = new bullmq.Worker(settings.queue, run, {
      ...settings.workerOptions,
      connection: this.#connection.redis,
      prefix: queuePrefix(redis.keyPrefix, settings.queue),
      stalledInterval: limits.stalledCheckMs,
      maxStalledCount: limits.stalledMax,
      runRetryDelay: limits.refusedHoldMs,
    });
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) worker.cancelJob(id, 'the job is another worker’s by now');
    });
    this.#report(worker);
    this.#worker = worker;
  }

  #report(worker: StreamWorker): void {
    const { meter, onFailed } = this.deps;
    worker.on('completed', () => meter.completed.add(1));
    worker.on('failed', (job) => {
      if (job?.finishedOn === undefined) return;
      meter.failed.add(1);
      onFailed();
    });
    worker.on('stalled', () => meter.takenOver.add(1));
    worker.on('error', (error) => this.#onError(error));
  }

  /**
   * Takes no more jobs, and waits for those that run. What is not done in time is broken off: it
   * goes back to the queue, where it does not count as a failure.
   */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#hold?.cancel();
    const worker = this.#worker;
    if (worker !== null) {
      const { drainMsMax, breakOffMsMax } = this.deps.limits;
      const closed = worker.close().catch(() => undefined);
      if (!(await this.#inTime(closed, drainMsMax))) {
        worker.cancelAllJobs('the process stops');
        await this.#inTime(closed, breakOffMsMax);
      }
    }
    await this.#connection?.close();
  }

  async #run(
    { UnrecoverableError, WaitingError }: typeof import('bullmq'),
    job: BullJob,
    token: string | undefined,
    signal = new AbortController().signal,
  ): Promise<unknown> {
    const { settings, handle, clock, meter } = this.deps;
    const begunMs = clock.monotonicMs();
    const ended = (outcome: AttemptOutcome): void => {
      meter.attempted(clock.monotonicMs() - begunMs, outcome);
    };
    try {
      const context = contextOf(settings.queue, job, signal);
      const result = await handle(this.#valueOf(context), context);
      ended('succeeded');
      return result;
    } catch (error) {
      const isBrokenOff = signal.aborted && this.#isStopping;
      ended(isBrokenOff ? 'broken-off' : 'failed');
      if (isBrokenOff) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (!isUnrecoverable(error)) throw error;
      const final = new UnrecoverableError((error as Error).message);
      final.stack = (error as Error).stack;
      throw final;
    }
  }

  #valueOf({ value }: StreamJobContext): unknown {
    try {
      return this.deps.settings.deserialize(value);
    } catch (error) {
      throw new UndecodableRecord((error as Error).message, { cause: error });
    }
  }

  async #inTime(work: Promise<unknown>, msMax: number): Promise<boolean> {
    let timer: Timer | undefined;
    const late = new Promise<false>((resolve) => {
      timer = this.deps.clock.setTimer(msMax, () => resolve(false));
    });
    try {
      return await Promise.race([work.then(() => true), late]);
    } finally {
      timer?.cancel();
    }
  }

  /**
   * What Redis refuses (a right, a write on a replica) it would refuse again at once, and BullMQ
   * would ask again at once; so the worker rests a moment.
   */
  #onError(error: Error): void {
    const { clock, log, limits, settings } = this.deps;
    const fields = { queue: settings.queue, error: error.message };
    log.debug('a worker of jobs met an error', fields);
    if (!isErrorReply(error) || this.#isStopping || this.#hold !== null) return;
    log.warn('Redis refuses a worker of jobs; it tries again', fields);
    void this.#worker?.pause(true);
    this.#hold = clock.setTimer(limits.refusedHoldMs, () => {
      this.#hold = null;
      if (!this.#isStopping) void this.#worker?.resume();
    });
  }
}
