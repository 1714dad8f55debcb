import type {
  Counter,
  Gauge,
  Histogram,
  HistogramOptions,
  MetricDefinition,
  MetricLabels,
  MetricOptions,
  Tell,
} from '@sluice/base';
import { NumberCell, RangesCell } from './cells';
import { LabelSets } from './label-sets';

/** One line of the text: a number with its labels. */
export interface Sample {
  /** Where it is not the metric's own name: `…_bucket`, `…_sum`, `…_count`. */
  metricName?: string;
  labels: MetricLabels;
  value: number;
}

/** A metric as whoever shows it sees it. */
export interface KeptMetric {
  readonly type: MetricDefinition['type'];
  readonly options: MetricOptions;
  /** All of its numbers as they are now. */
  samples(): Sample[];
}

const noLabels: MetricLabels = {};

/** A counter or a gauge; without labels it is shown from the beginning. */
export class KeptNumber implements KeptMetric, Counter, Gauge {
  readonly #sets: LabelSets<NumberCell>;

  constructor(
    readonly type: 'counter' | 'gauge',
    readonly options: MetricOptions,
  ) {
    this.#sets = new LabelSets(options, (labels) => new NumberCell(labels));
    if ((options.labels ?? []).length === 0) this.#sets.with(noLabels);
  }

  with(labels: MetricLabels): NumberCell {
    return this.#sets.with(labels);
  }

  forget(labels: MetricLabels): void {
    this.#sets.forget(labels);
  }

  add(count: number, labels: MetricLabels = noLabels): void {
    this.#sets.with(labels).add(count);
  }

  set(value: number, labels: MetricLabels = noLabels): void {
    this.#sets.with(labels).set(value);
  }

  samples(): Sample[] {
    return Array.from(this.#sets, ({ labels, value }) => ({ labels, value }));
  }
}

/** A histogram. */
export class KeptHistogram implements KeptMetric, Histogram {
  readonly type = 'histogram';
  readonly #sets: LabelSets<RangesCell>;

  constructor(readonly options: HistogramOptions) {
    const { buckets } = options;
    this.#sets = new LabelSets(options, (labels) => new RangesCell(labels, buckets));
    if ((options.labels ?? []).length === 0) this.#sets.with(noLabels);
  }

  with(labels: MetricLabels): RangesCell {
    return this.#sets.with(labels);
  }

  forget(labels: MetricLabels): void {
    this.#sets.forget(labels);
  }

  observe(value: number, labels: MetricLabels = noLabels): void {
    this.#sets.with(labels).observe(value);
  }

  samples(): Sample[] {
    return Array.from(this.#sets, (cell) => this.#samplesOf(cell)).flat();
  }

  #samplesOf({ labels, counts, count, sum }: RangesCell): Sample[] {
    const { name, buckets } = this.options;
    const metricName = `${name}_bucket`;
    let upTo = 0;
    const ranges = buckets.map((bound, i) => {
      upTo += counts[i]!;
      return { metricName, labels: { ...labels, le: String(bound) }, value: upTo };
    });
    return [
      ...ranges,
      { metricName, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}

/** A metric that is read when it is shown. */
export class ReadMetric implements KeptMetric {
  readonly #readers = new Set<(tell: Tell) => void>();

  constructor(
    readonly type: 'counter' | 'gauge',
    readonly options: MetricOptions,
  ) {}

  /** @returns what takes it back */
  add(read: (tell: Tell) => void): () => void {
    this.#readers.add(read);
    return () => void this.#readers.delete(read);
  }

  samples(): Sample[] {
    const sets = new LabelSets(this.options, (labels) => new NumberCell(labels));
    for (const read of this.#readers) {
      read((value, labels = noLabels) => sets.with(labels).add(value));
    }
    return Array.from(sets, ({ labels, value }) => ({ labels, value }));
  }
}
