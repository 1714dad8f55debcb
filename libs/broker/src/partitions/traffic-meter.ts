import type { Counter, CounterCell, Metrics } from '@sluice/base';
import { brokerMetrics } from '../metrics';

/** Where what a consumer is sent has come from. */
export type ReadSource = 'hot' | 'ahead' | 'cold';

interface Cells {
  readonly batches: CounterCell;
  readonly records: CounterCell;
  readonly bytes: CounterCell;
}

interface ReadCells {
  readonly reads: CounterCell;
  readonly bytes: CounterCell;
}

/** What goes into one topic and comes out of it. */
export class TopicMeter {
  constructor(
    private readonly produced: Cells,
    private readonly fetched: Cells,
    private readonly reads: Readonly<Record<ReadSource, ReadCells>>,
  ) {}

  /** Batches were appended. */
  appended(batches: number, records: number, bytes: number): void {
    this.produced.batches.add(batches);
    this.produced.records.add(records);
    this.produced.bytes.add(bytes);
  }

  /** Batches were read for a consumer. */
  read(source: ReadSource, batches: number, records: number, bytes: number): void {
    this.fetched.batches.add(batches);
    this.fetched.records.add(records);
    this.fetched.bytes.add(bytes);
    this.reads[source].reads.add(1);
    this.reads[source].bytes.add(bytes);
  }
}

/** Counts what goes in and out, by topic; see `topicsMax` for how many topics. */
export class TrafficMeter {
  readonly #produced: Record<keyof Cells, Counter>;
  readonly #fetched: Record<keyof Cells, Counter>;
  readonly #reads: Readonly<Record<ReadSource, ReadCells>>;

  constructor(metrics: Metrics) {
    this.#produced = {
      batches: metrics.counter(brokerMetrics.producedBatches),
      records: metrics.counter(brokerMetrics.producedRecords),
      bytes: metrics.counter(brokerMetrics.producedBytes),
    };
    this.#fetched = {
      batches: metrics.counter(brokerMetrics.fetchedBatches),
      records: metrics.counter(brokerMetrics.fetchedRecords),
      bytes: metrics.counter(brokerMetrics.fetchedBytes),
    };
    const reads = metrics.counter(brokerMetrics.reads);
    const bytes = metrics.counter(brokerMetrics.readBytes);
    const cells = (source: ReadSource) => ({
      reads: reads.with({ source }),
      bytes: bytes.with({ source }),
    });
    this.#reads = { hot: cells('hot'), ahead: cells('ahead'), cold: cells('cold') };
  }

  /** Of a topic that is there. */
  of(topic: string): TopicMeter {
    return new TopicMeter(
      cellsOf(this.#produced, topic),
      cellsOf(this.#fetched, topic),
      this.#reads,
    );
  }

  /** The topic is deleted: its place is for another. */
  forget(topic: string): void {
    for (const counter of [...Object.values(this.#produced), ...Object.values(this.#fetched)]) {
      counter.forget({ topic });
    }
  }
}

function cellsOf(counters: Record<keyof Cells, Counter>, topic: string): Cells {
  return {
    batches: counters.batches.with({ topic }),
    records: counters.records.with({ topic }),
    bytes: counters.bytes.with({ topic }),
  };
}
