import type { Clock, Logger, Metrics } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type {
  ConsumerSettings,
  ProducerSettings,
  RecordConsumer,
  RecordProducer,
  RecordSink,
} from '@sluice/streams';
import { Feeder } from './feeding/feeder';
import type { StreamJobsLimits } from './limits';
import { JobsMeter } from './metrics';
import type { JobSettings } from './options';
import { QueueCounts } from './queue-counts';
import { DeadLetters } from './working/dead-letters';
import { JobWorker, type JobHandler } from './working/job-worker';

/** What of a queue a process does: feeds it, does its jobs, or both. */
export type JobsRole = 'all' | 'feeder' | 'worker';

/** What the queues of a process work with. */
export interface QueueProcessDeps {
  redis: RedisLink;
  createConsumer(settings: ConsumerSettings, sink: RecordSink): RecordConsumer;
  createProducer(settings?: ProducerSettings): RecordProducer;
  clock: Clock;
  log: Logger;
  limits: StreamJobsLimits;
  metrics: Metrics;
}

/** One queue in one process. */
export class QueueProcess {
  readonly feeder: Feeder | null;
  readonly #worker: JobWorker | null = null;
  readonly #letters: DeadLetters | null = null;
  readonly #producer: RecordProducer | null = null;
  readonly #meter: JobsMeter;
  readonly #counts: QueueCounts;

  /** @param handle null where the process does no jobs of it */
  constructor(
    deps: QueueProcessDeps,
    settings: JobSettings,
    role: JobsRole,
    handle: JobHandler | null,
  ) {
    const { queue } = settings;
    const meter = (this.#meter = new JobsMeter(deps.metrics, queue));
    const counts = (this.#counts = new QueueCounts({ ...deps, queue }));
    meter.observeQueue(() => counts.look());
    const parts = { ...deps, meter, settings };
    const createConsumer: QueueProcessDeps['createConsumer'] = (...args) =>
      deps.createConsumer(...args);
    this.feeder = role === 'worker' ? null : new Feeder({ ...parts, createConsumer });
    if (role === 'feeder' || handle === null) return;
    const { deadLetterTopic } = settings;
    if (deadLetterTopic !== null) {
      // A letter is written when all copies that its topic asks for have it.
      this.#producer = deps.createProducer({ acks: -1 });
      const own = { ...settings, deadLetterTopic };
      this.#letters = new DeadLetters({ ...parts, settings: own, producer: this.#producer });
    }
    const onFailed = () => this.#letters?.lookSoon();
    this.#worker = new JobWorker({ ...parts, handle, onFailed });
  }

  async start(): Promise<void> {
    await this.#worker?.start();
    this.#letters?.start();
    await this.feeder?.start();
  }

  /** Within the limits: what runs is waited for, and then broken off. */
  async stop(): Promise<void> {
    this.#meter.stop();
    await Promise.all([this.feeder?.stop(), this.#worker?.stop(), this.#counts.stop()]);
    await this.#letters?.stop();
    await this.#producer?.close();
  }
}
