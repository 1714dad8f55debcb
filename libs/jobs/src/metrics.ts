import type {
  CounterCell,
  HistogramCell,
  MetricDefinition,
  Metrics,
  MetricLabels,
} from '@sluice/base';

const ofQueue = ['queue'];

/** The metrics of queues that topics feed, of one process each. */
export const streamJobMetrics = {
  fed: {
    type: 'counter',
    name: 'sluice_jobs_fed_total',
    help: 'Records that became jobs.',
    labels: ofQueue,
  },
  held: {
    type: 'gauge',
    name: 'sluice_jobs_held_records',
    help: 'Records that were read and are no jobs yet: they wait for room in the queue.',
    labels: ofQueue,
  },
  feedingHeld: {
    type: 'gauge',
    name: 'sluice_jobs_feeding_held',
    help:
      '1 while nothing is fed, else 0: `full`, as many jobs wait as may; `failures`, as many ' +
      'have failed and are in the queue.',
    labels: [...ofQueue, 'reason'],
  },
  completed: {
    type: 'counter',
    name: 'sluice_jobs_completed_total',
    help: 'Jobs that were done.',
    labels: ofQueue,
  },
  failed: {
    type: 'counter',
    name: 'sluice_jobs_failed_total',
    help: 'Jobs that have failed for good.',
    labels: ofQueue,
  },
  deadLettered: {
    type: 'counter',
    name: 'sluice_jobs_dead_letters_total',
    help: 'Failed jobs that became dead letters, and left the queue.',
    labels: ofQueue,
  },
  attempts: {
    type: 'histogram',
    name: 'sluice_jobs_attempt_seconds',
    help:
      'Time from the call of a handler to its end: `succeeded`, `failed`, or `broken-off` by the ' +
      'stop of its process, which is no attempt.',
    labels: [...ofQueue, 'outcome'],
    buckets: [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
  },
  takenOver: {
    type: 'counter',
    name: 'sluice_jobs_taken_over_total',
    help: 'Jobs whose worker went silent, as found by this process; another begins them anew.',
    labels: ofQueue,
  },
  jobs: {
    type: 'gauge',
    name: 'sluice_jobs_in_queue',
    help:
      'Jobs of the queue by their state, as BullMQ names it. Asked of Redis while the metrics ' +
      'are read, by each process that has the queue: they all tell the same.',
    labels: [...ofQueue, 'state'],
  },
} as const satisfies Record<string, MetricDefinition>;

/** How an attempt ended. */
export type AttemptOutcome = 'succeeded' | 'failed' | 'broken-off';

/** Why nothing is fed; null: it is, or there is nothing to feed. */
export type FeedingHeld = 'full' | 'failures' | null;

/** What a feeder is asked for when the metrics are. */
export interface FeedingNow {
  heldRecords: number;
  held: FeedingHeld;
}

/** The numbers of one queue in one process. */
export class JobsMeter {
  readonly fed: CounterCell;
  readonly completed: CounterCell;
  readonly failed: CounterCell;
  readonly deadLettered: CounterCell;
  readonly takenOver: CounterCell;
  readonly #attempts: Readonly<Record<AttemptOutcome, HistogramCell>>;
  readonly #labels: MetricLabels;
  readonly #takeBack: (() => void)[] = [];

  constructor(
    private readonly metrics: Metrics,
    queue: string,
  ) {
    const labels = { queue };
    this.#labels = labels;
    this.fed = metrics.counter(streamJobMetrics.fed).with(labels);
    this.completed = metrics.counter(streamJobMetrics.completed).with(labels);
    this.failed = metrics.counter(streamJobMetrics.failed).with(labels);
    this.deadLettered = metrics.counter(streamJobMetrics.deadLettered).with(labels);
    this.takenOver = metrics.counter(streamJobMetrics.takenOver).with(labels);
    const attempts = metrics.histogram(streamJobMetrics.attempts);
    this.#attempts = {
      succeeded: attempts.with({ ...labels, outcome: 'succeeded' }),
      failed: attempts.with({ ...labels, outcome: 'failed' }),
      'broken-off': attempts.with({ ...labels, outcome: 'broken-off' }),
    };
  }

  attempted(elapsedMs: number, outcome: AttemptOutcome): void {
    this.#attempts[outcome].observe(elapsedMs / 1_000);
  }

  /** Asks a feeder whenever the metrics are asked for. */
  observeFeeding(now: () => FeedingNow): void {
    const labels = this.#labels;
    const { held, feedingHeld } = streamJobMetrics;
    this.#takeBack.push(
      this.metrics.observe(held, (tell) => tell(now().heldRecords, labels)),
      this.metrics.observe(feedingHeld, (tell) => {
        const { held: why } = now();
        for (const reason of ['full', 'failures']) {
          tell(reason === why ? 1 : 0, { ...labels, reason });
        }
      }),
    );
  }

  /** @param look what is known of the queue by now, by the states of its jobs */
  observeQueue(look: () => Readonly<Record<string, number>> | null): void {
    const tellAll = this.metrics.observe(streamJobMetrics.jobs, (tell) => {
      for (const [state, count] of Object.entries(look() ?? {})) {
        tell(count, { ...this.#labels, state });
      }
    });
    this.#takeBack.push(tellAll);
  }

  stop(): void {
    for (const takeBack of this.#takeBack.splice(0)) takeBack();
  }
}
