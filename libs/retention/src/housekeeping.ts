import type { Clock, Logger, Metrics, Random } from '@sluice/base';
import { silentMetrics } from '@sluice/base';
import { GroupHousekeeping } from '@sluice/groups';
import {
  DeletedTopicSweeper,
  DeliverySweeper,
  PartitionCare,
  type PartitionStore,
  type TopicCatalog,
} from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import { FsckTask } from './fsck/fsck';
import type { HousekeepingQueue } from './queue/bullmq';
import { jobLimits, type JobLimits } from './queue/job-limits';
import { JobMetrics } from './queue/job-metrics';
import {
  JobQueue,
  type JobCounts,
  type LastRun,
  type RunFilter,
  type Schedule,
} from './queue/job-queue';
import { JobRunner } from './queue/job-runner';
import type { JobData, JobKind, Tasks } from './queue/kinds';
import type { JobRun } from './queue/runs';
import { WorkersAlive } from './queue/workers-alive';
import { schedulesFor, type HousekeepingOptions } from './options';
import {
  appendOnlyFileTask,
  deletedTopicsTask,
  groupsTask,
  partitionsTask,
} from './tasks/housekeeping-tasks';
import { RetentionTask, ShortRetentionTask, shortestIntervalMs } from './tasks/retention';
import { TopicTrimmer } from './trim/topic-trimmer';
import { HousekeepingProcess } from './housekeeping-process';

/** What the housekeeping works with. */
export interface HousekeepingDeps {
  redis: RedisLink;
  catalog: TopicCatalog;
  store: PartitionStore;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics?: Metrics;
  options: HousekeepingOptions;
  /** Other limits, for tests. */
  limits?: Partial<JobLimits>;
}

/** Which job is to be done now. */
export interface RunRequest {
  kind: JobKind;
  /** Of `retention`: only the topic of this name. */
  topic?: string;
  /** Of `fsck`: removes what belongs to nothing. */
  remove?: boolean;
}

/**
 * The housekeeping of a process: its worker, where it has one, and what operators ask of the jobs,
 * whichever process does them.
 *
 * Methods that ask Redis throw RedisUnavailable when nothing was done, and UnknownOutcome when it
 * may have been.
 */
export class Housekeeping {
  readonly #queue: JobQueue;
  readonly #alive: WorkersAlive;
  readonly #process: HousekeepingProcess;

  constructor(private readonly deps: HousekeepingDeps) {
    const { redis, clock, options } = deps;
    const limits = { ...jobLimits, ...deps.limits };
    const queue = new JobQueue({ redis, clock, limits });
    this.#queue = queue;
    this.#alive = new WorkersAlive(redis, limits);
    const process: HousekeepingProcess = new HousekeepingProcess({
      ...deps,
      limits,
      queue,
      alive: this.#alive,
      wanted: schedulesFor(options),
      shortestMs: (defaultMs) => shortestIntervalMs(deps.catalog.list(), defaultMs),
      runner: new JobRunner({
        tasks: this.#tasks(() => process.defaultMs),
        queue,
        clock,
        log: deps.log,
        limits,
        metrics: new JobMetrics(deps.metrics ?? silentMetrics),
      }),
    });
    this.#process = process;
  }

  /** What this process was told by its settings. */
  get options(): Readonly<HousekeepingOptions> {
    return this.deps.options;
  }

  /** Begins in the background, so that nothing has to wait for it. */
  start(): void {
    this.#process.start();
  }

  /** Breaks off what this process does, at the next step, so that another goes on with it. */
  async stop(): Promise<void> {
    await this.#process.stop();
    await this.#queue.close();
  }

  /** What is done how often, and when next. The worker that was started last has decided. */
  schedules(): Promise<Schedule[]> {
    return this.#queue.schedules();
  }

  /** The last run of each kind of job that did its work. */
  lastRuns(): Promise<Partial<Record<JobKind, LastRun>>> {
    return this.#queue.lastRuns();
  }

  /** Runs in some states, by default those that are done or failed for good; newest first. */
  runs(filter?: RunFilter): Promise<JobRun[]> {
    return this.#queue.runs(filter);
  }

  /** One run; null where there is none, or it was forgotten. */
  run(id: string): Promise<JobRun | null> {
    return this.#queue.run(id);
  }

  /** How many workers there are, in all processes. */
  workers(): Promise<number> {
    return this.#alive.count();
  }

  /** How many jobs are in which state, and how many workers there are. */
  async counts(): Promise<JobCounts & { workers: number }> {
    const [counts, workers] = await Promise.all([this.#queue.counts(), this.workers()]);
    return { ...counts, workers };
  }

  /**
   * Has a job done now, by whichever worker takes it. The same that waits already is not done
   * twice.
   *
   * @returns the id of its run, for `run`
   */
  async runNow(request: RunRequest): Promise<{ id: string } | { refused: 'unknown-topic' }> {
    const { kind, topic: name, remove } = request;
    if (name === undefined) {
      const data: JobData = remove === true ? { remove } : {};
      return { id: await this.#queue.add(kind, data, `${kind}${remove ? ':remove' : ''}`) };
    }
    const topic = this.deps.catalog.byName(name);
    if (topic === undefined) return { refused: 'unknown-topic' };
    return { id: await this.#queue.add(kind, { topicId: topic.id }, `${kind}:${topic.id}`) };
  }

  /** Has a run that failed for good tried again. */
  retry(id: string): Promise<'retried' | 'not-found' | 'not-failed'> {
    return this.#queue.retry(id);
  }

  /** BullMQ's queue, for who shows it as a whole (Bull Board). It is closed with this. */
  queue(): Promise<HousekeepingQueue> {
    return this.#queue.queue();
  }

  #tasks(defaultMs: () => number): Tasks {
    const { redis, catalog: topics, store, clock, random, log, options } = this.deps;
    const groups = new GroupHousekeeping({
      redis,
      random,
      log,
      limits: { offsetsRetentionMs: options.offsetsRetentionMs },
    });
    const trimmer = new TopicTrimmer({ store, clock, log });
    const { producerIdExpirationMs } = options;
    const list = () => topics.list();
    const care = new PartitionCare({ store, topics: list, producerIdExpirationMs, log });
    const isGroupKnown = (group: string): Promise<boolean> => groups.isKnown(group);
    const deliveries = new DeliverySweeper({ redis, topics: list, isGroupKnown });
    return {
      retention: new RetentionTask({ trimmer, topics }),
      'short-retention': new ShortRetentionTask({ trimmer, topics, clock, defaultMs }),
      'deleted-topics': deletedTopicsTask(new DeletedTopicSweeper(redis, { clock, log }), groups),
      groups: groupsTask(groups),
      partitions: partitionsTask(care, deliveries),
      'append-only-file': appendOnlyFileTask(redis, options.redisManaged),
      fsck: new FsckTask({ redis, groups, queue: this.#queue }),
    };
  }
}
