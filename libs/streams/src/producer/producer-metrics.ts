import type { Counter, CounterCell, HistogramCell, MetricDefinition, Metrics } from '@sluice/base';
import type { SendErrorCode } from './send-error';

const ofTopic = ['topic'];

/** The metrics of producers that write straight into the log. */
export const producerMetrics = {
  records: {
    type: 'counter',
    name: 'sluice_producer_records_total',
    help: 'Records that were written.',
    labels: ofTopic,
  },
  bytes: {
    type: 'counter',
    name: 'sluice_producer_bytes_total',
    help: 'Bytes of the batches that were written, as they are stored: compressed, where they are.',
    labels: ofTopic,
  },
  batches: {
    type: 'counter',
    name: 'sluice_producer_batches_total',
    help: 'Batches that were written.',
    labels: ofTopic,
  },
  retries: {
    type: 'counter',
    name: 'sluice_producer_retries_total',
    help: 'Attempts to write that failed, and were followed by another.',
    labels: ofTopic,
  },
  errors: {
    type: 'counter',
    name: 'sluice_producer_errors_total',
    help: 'Records whose senders were told that they failed, by the code of the error.',
    labels: [...ofTopic, 'code'],
  },
  latency: {
    type: 'histogram',
    name: 'sluice_producer_batch_seconds',
    help: 'Time from the sending of the first record of a batch to the word that it is written.',
    labels: ofTopic,
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
  },
  buffered: {
    type: 'gauge',
    name: 'sluice_producer_buffered_bytes',
    help: 'Bytes of records that have no outcome yet; each producer has room for `bufferBytesMax`.',
  },
} as const satisfies Record<string, MetricDefinition>;

/** A batch that is written. */
export interface WrittenBatch {
  records: number;
  bytes: number;
  /** Since its first record was sent. */
  elapsedMs: number;
}

/** The numbers of one topic: once a batch, so that a record costs nothing. */
export class ProducedNumbers {
  constructor(
    private readonly records: CounterCell,
    private readonly bytes: CounterCell,
    private readonly batches: CounterCell,
    private readonly retries: CounterCell,
    private readonly latency: HistogramCell,
  ) {}

  written({ records, bytes, elapsedMs }: WrittenBatch): void {
    this.records.add(records);
    this.bytes.add(bytes);
    this.batches.add(1);
    this.latency.observe(elapsedMs / 1_000);
  }

  retried(): void {
    this.retries.add(1);
  }
}

/** The numbers that one producer keeps. */
export class ProducerMeter {
  readonly #errors: Counter;
  readonly #takeBack: () => void;

  /** @param bufferedBytes how many bytes wait now */
  constructor(
    private readonly metrics: Metrics,
    bufferedBytes: () => number,
  ) {
    this.#errors = metrics.counter(producerMetrics.errors);
    this.#takeBack = metrics.observe(producerMetrics.buffered, (tell) => tell(bufferedBytes()));
  }

  /** What is kept of one topic. */
  numbersOf(topic: string): ProducedNumbers {
    const { metrics } = this;
    const labels = { topic };
    return new ProducedNumbers(
      metrics.counter(producerMetrics.records).with(labels),
      metrics.counter(producerMetrics.bytes).with(labels),
      metrics.counter(producerMetrics.batches).with(labels),
      metrics.counter(producerMetrics.retries).with(labels),
      metrics.histogram(producerMetrics.latency).with(labels),
    );
  }

  /** The sender of a record was told that it failed. */
  failed(topic: string, code: SendErrorCode): void {
    this.#errors.add(1, { topic, code });
  }

  /** The producer is closed: nothing of it waits any more. */
  stop(): void {
    this.#takeBack();
  }
}
