import type {
  CounterCell,
  HistogramCell,
  MetricDefinition,
  Metrics,
  Counter,
  Tell,
} from '@sluice/base';
import type { ConsumerHealth } from '@sluice/streams';

const ofTopic = ['group', 'topic'];
const ofPartition = ['group', 'topic', 'partition'];

/** The metrics of a server of streams. */
export const streamMetrics = {
  handled: {
    type: 'counter',
    name: 'sluice_stream_handled_records_total',
    help: 'Records that their handlers have dealt with.',
    labels: ofTopic,
  },
  attempts: {
    type: 'histogram',
    name: 'sluice_stream_attempt_seconds',
    help: 'Time from the call of a handler to its end, failed or not.',
    labels: [...ofTopic, 'outcome'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
  },
  retried: {
    type: 'counter',
    name: 'sluice_stream_retried_records_total',
    help: 'Records that are tried again, each time that they are.',
    labels: ofTopic,
  },
  skipped: {
    type: 'counter',
    name: 'sluice_stream_skipped_records_total',
    help: 'Records that a handler asked to pass over.',
    labels: ofTopic,
  },
  deadLetters: {
    type: 'counter',
    name: 'sluice_stream_dead_letters_total',
    help: 'Records that could not be handled.',
    labels: [...ofTopic, 'reason'],
  },
  lag: {
    type: 'gauge',
    name: 'sluice_stream_lag_records',
    help: 'Records of a partition owned here that its group has not acknowledged.',
    labels: ofPartition,
  },
  inFlight: {
    type: 'gauge',
    name: 'sluice_stream_in_flight_records',
    help: 'Records of a partition owned here that wait for their handler or are with it.',
    labels: ofPartition,
  },
  oldestInFlight: {
    type: 'gauge',
    name: 'sluice_stream_oldest_in_flight_seconds',
    help: 'Age of the oldest record that is in flight; 0 for none.',
    labels: ofPartition,
  },
} as const satisfies Record<string, MetricDefinition>;

/** The numbers of one topic in one group. */
export class TopicNumbers {
  readonly #succeeded: HistogramCell;
  readonly #failed: HistogramCell;

  constructor(
    readonly handled: CounterCell,
    readonly retried: CounterCell,
    readonly skipped: CounterCell,
    attempts: { succeeded: HistogramCell; failed: HistogramCell },
  ) {
    this.#succeeded = attempts.succeeded;
    this.#failed = attempts.failed;
  }

  attempted(elapsedMs: number, hasFailed: boolean): void {
    (hasFailed ? this.#failed : this.#succeeded).observe(elapsedMs / 1_000);
  }
}

/** The numbers that a server of streams keeps, and those that it is asked for. */
export class StreamMetrics {
  readonly #deadLetters: Counter;
  readonly #takeBack: (() => void)[] = [];

  constructor(private readonly metrics: Metrics) {
    this.#deadLetters = metrics.counter(streamMetrics.deadLetters);
  }

  /** What is kept of one topic, for whoever uses it often. */
  numbersOf(group: string, topic: string): TopicNumbers {
    const labels = { group, topic };
    const attempts = this.metrics.histogram(streamMetrics.attempts);
    return new TopicNumbers(
      this.metrics.counter(streamMetrics.handled).with(labels),
      this.metrics.counter(streamMetrics.retried).with(labels),
      this.metrics.counter(streamMetrics.skipped).with(labels),
      {
        succeeded: attempts.with({ ...labels, outcome: 'succeeded' }),
        failed: attempts.with({ ...labels, outcome: 'failed' }),
      },
    );
  }

  deadLettered(group: string, topic: string, reason: string): void {
    this.#deadLetters.add(1, { group, topic, reason });
  }

  /** Asks for the partitions whenever the metrics are asked for. */
  observe(membersNow: () => readonly ConsumerHealth[]): void {
    const each = (valueOf: (partition: ConsumerHealth['partitions'][number]) => number) => {
      return (tell: Tell) => {
        for (const { group, partitions } of membersNow()) {
          for (const one of partitions) {
            tell(valueOf(one), { group, topic: one.topic, partition: String(one.partition) });
          }
        }
      };
    };
    const { lag, inFlight, oldestInFlight } = streamMetrics;
    this.#takeBack.push(
      this.metrics.observe(
        lag,
        each((one) => one.lag),
      ),
      this.metrics.observe(
        inFlight,
        each((one) => one.inFlight),
      ),
      this.metrics.observe(
        oldestInFlight,
        each((one) => one.oldestInFlightMs / 1_000),
      ),
    );
  }

  stop(): void {
    for (const takeBack of this.#takeBack.splice(0)) takeBack();
  }
}
