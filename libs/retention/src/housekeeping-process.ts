import { Periodic, type Clock, type Logger, type Random, type Timer } from '@sluice/base';
import type { TopicCatalog, TopicChange } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import { FullRedis } from './queue/full-redis';
import type { JobLimits } from './queue/job-limits';
import type { JobQueue } from './queue/job-queue';
import type { JobRunner } from './queue/job-runner';
import { JobWorker } from './queue/job-worker';
import type { JobKind, JobData } from './queue/kinds';
import { ScheduleKeeper, type WantedSchedule } from './queue/schedule-keeper';
import type { WorkersAlive } from './queue/workers-alive';
import type { HousekeepingOptions } from './options';

/** What the background work of a process works with. */
export interface HousekeepingProcessDeps {
  redis: RedisLink;
  catalog: Pick<TopicCatalog, 'on'>;
  queue: JobQueue;
  runner: JobRunner;
  alive: WorkersAlive;
  clock: Clock;
  random: Random;
  log: Logger;
  limits: JobLimits;
  options: HousekeepingOptions;
  wanted: readonly WantedSchedule[];
  shortestMs: (defaultMs: number) => number | null;
}

/**
 * What a process does for the housekeeping in the background. With a worker: takes jobs, keeps the
 * schedules, and asks for what a change of a topic makes necessary. Without: looks whether there is
 * a worker anywhere.
 */
export class HousekeepingProcess {
  readonly #full: FullRedis;
  readonly #worker: JobWorker;
  readonly #keeper: ScheduleKeeper;
  readonly #watch: Periodic;
  #starting: Timer | null = null;
  #started: Promise<void> = Promise.resolve();
  #unlisten = () => {};
  #missed = 0;

  constructor(private readonly deps: HousekeepingProcessDeps) {
    const { clock, log, limits } = deps;
    this.#full = new FullRedis(deps);
    const onFull = () => this.#full.note();
    this.#worker = new JobWorker({ ...deps, onFull });
    this.#keeper = new ScheduleKeeper({ ...deps, onFull });
    this.#watch = new Periodic({
      clock,
      log,
      name: 'looking for a retention worker',
      everyMs: limits.workerCheckEveryMs,
      failureLevel: 'debug',
      run: () => this.#look(),
    });
  }

  /** How often all topics are looked at, as it was last seen in force. */
  get defaultMs(): number {
    return this.#keeper.defaultMs;
  }

  start(): void {
    const { options, clock, limits } = this.deps;
    if (!options.worker) return this.#watch.start();
    this.#starting = clock.setTimer(limits.startDelayMs, () => {
      this.#started = this.#begin();
    });
  }

  async stop(): Promise<void> {
    this.#starting?.cancel();
    this.#unlisten();
    await this.#watch.stop();
    await this.#full.stop();
    await this.#worker.stop();
    await this.#started;
    await this.#keeper.stop();
  }

  async #begin(): Promise<void> {
    const { catalog, log } = this.deps;
    try {
      this.#unlisten = catalog.on('change', (change) => this.#changed(change));
      await this.#worker.start();
      this.#keeper.start();
      log.debug('the retention worker has started');
    } catch (error) {
      const { stack } = error as Error;
      log.error('the retention worker could not be started', { error: stack });
    }
  }

  #changed({ created, updated, deleted }: TopicChange): void {
    const topic = updated ?? created;
    if (updated !== undefined) this.#ask('retention', { topicId: updated.id });
    if (deleted !== undefined) this.#ask('deleted-topics', {});
    if (topic !== undefined || deleted !== undefined) this.#keeper.lookSoon();
  }

  /** Where it fails, the next regular run does it. */
  #ask(kind: JobKind, data: JobData): void {
    const { queue, limits, log } = this.deps;
    const same = data.topicId === undefined ? kind : `${kind}:${data.topicId}`;
    const ask = async (): Promise<void> => {
      const { waiting } = await queue.counts();
      if (waiting < limits.waitingJobsMax) await queue.add(kind, data, same);
    };
    ask().catch((error: Error) => {
      log.debug('a job was not asked for', { job: kind, error: error.message });
    });
  }

  async #look(): Promise<void> {
    const { alive, limits, log } = this.deps;
    const isThere = (await alive.count()) > 0;
    if (isThere) {
      if (this.#missed >= limits.workerMissedMax) log.warn('there is a retention worker again');
      this.#missed = 0;
      return;
    }
    if (++this.#missed !== limits.workerMissedMax) return;
    log.warn(
      'there is no retention worker: nothing is trimmed and nothing is freed. Start one ' +
        '(apps/worker), or a gateway without --no-worker',
    );
  }
}
