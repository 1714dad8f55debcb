import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnModuleDestroy } from '@nestjs/common';
import type { Metrics } from '@sluice/base';
import type { StreamsConnection, ConsumerHealth } from '@sluice/streams';
import { usualMetrics } from '@sluice/transport';
import { streamJobsLimits, type StreamJobsLimits } from '../limits';
import { resolveSettings, StreamJobMistake, type StreamJobOptions } from '../options';
import { QueueProcess, type JobsRole, type QueueProcessDeps } from '../queue-process';
import type { JobHandler } from '../working/job-worker';
import type { JobSettings } from '../options';
import { JobMethods } from './job-methods';

/** What jobs stand on: the process' way to its topics. */
export interface StreamJobsGround extends Pick<
  QueueProcessDeps,
  'createConsumer' | 'createProducer'
> {
  readonly connection: Pick<StreamsConnection, 'connect' | 'ports'>;
}

/** A queue that this process feeds, and whose jobs are done in another. */
export interface StreamJobFeed extends StreamJobOptions {
  topics: readonly (string | RegExp)[];
}

/** How jobs are to be in this process. */
export interface StreamJobsOptions {
  /** Default: `all`. A `worker` feeds nothing, a `feeder` does no jobs. */
  role?: JobsRole;
  /** Queues to feed without a method that does their jobs. */
  feeds?: readonly StreamJobFeed[];
  limits?: Partial<StreamJobsLimits>;
  /** Default: those of prom-client's default registry, where it is installed. */
  metrics?: Metrics;
}

/** Nest's token for `StreamJobsGround`. */
export const STREAM_JOBS_GROUND = Symbol.for('sluice:stream-jobs-ground');
/** Nest's token for `StreamJobsOptions`. */
export const STREAM_JOBS_OPTIONS = Symbol.for('sluice:stream-jobs-options');

/** All queues of a process: they begin when the application is up, and end before it goes. */
@Injectable()
export class StreamJobs
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown
{
  readonly #queues = new Map<string, QueueProcess>();
  #stopping: Promise<void> | null = null;

  constructor(
    @Inject(STREAM_JOBS_GROUND) private readonly ground: StreamJobsGround,
    @Inject(STREAM_JOBS_OPTIONS) private readonly options: StreamJobsOptions,
    private readonly methods: JobMethods,
  ) {}

  /** Of each queue that this process feeds, how its consumer does. */
  health(): Record<string, ConsumerHealth> {
    const fed = [...this.#queues].flatMap(([name, { feeder }]) =>
      feeder === null ? [] : [[name, feeder.consumer.health()] as const],
    );
    return Object.fromEntries(fed);
  }

  async onApplicationBootstrap(): Promise<void> {
    const { ground, options } = this;
    const { redis } = await ground.connection.connect();
    const { clock, log } = ground.connection.ports;
    const limits = { ...streamJobsLimits, ...options.limits };
    const deps: QueueProcessDeps = {
      redis,
      clock,
      log,
      limits,
      metrics: usualMetrics(options.metrics),
      createConsumer: (...args) => ground.createConsumer(...args),
      createProducer: (...args) => ground.createProducer(...args),
    };
    for (const { settings, handle } of this.methods.find()) this.#add(deps, settings, handle);
    for (const { topics, ...feed } of options.feeds ?? []) {
      this.#add(deps, resolveSettings(topics, feed), null);
    }
    try {
      await Promise.all([...this.#queues.values()].map((queue) => queue.start()));
    } catch (error) {
      // Nest calls no hook after one that has failed.
      await this.stop();
      throw error;
    }
  }

  /** Before other providers are destroyed, whose help the jobs may need. */
  onModuleDestroy(): Promise<void> {
    return this.stop();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  /** Ends all of it, within the limits. Repeated calls wait for the same end. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.stop()));
  }

  #add(deps: QueueProcessDeps, settings: JobSettings, handle: JobHandler | null): void {
    const { queue } = settings;
    if (this.#queues.has(queue)) {
      throw new StreamJobMistake(`Two are to have the queue "${queue}", which is for one alone.`);
    }
    const { role = 'all' } = this.options;
    this.#queues.set(queue, new QueueProcess(deps, settings, role, handle));
  }
}
