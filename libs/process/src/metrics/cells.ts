import type { CounterCell, GaugeCell, HistogramCell, MetricLabels } from '@sluice/base';

/** One number, and the labels that it is shown with. */
export class NumberCell implements CounterCell, GaugeCell {
  value = 0;

  constructor(readonly labels: MetricLabels) {}

  add(count: number): void {
    this.value += count;
  }

  set(value: number): void {
    this.value = value;
  }
}

/** How often a value lay in which range; the ranges are counted one by one, not summed up. */
export class RangesCell implements HistogramCell {
  sum = 0;
  count = 0;
  /** Of each bound the values up to it and above the one before. */
  readonly counts: Float64Array;

  constructor(
    readonly labels: MetricLabels,
    private readonly buckets: readonly number[],
  ) {
    this.counts = new Float64Array(buckets.length);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const { buckets } = this;
    // Most values lie in the first few: looking from below beats halving.
    for (let i = 0; i < buckets.length; i++) {
      if (value <= buckets[i]!) {
        this.counts[i]!++;
        return;
      }
    }
  }
}
