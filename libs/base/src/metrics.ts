/** Values by label name, such as `{ api: 'Produce' }`; few values each, for each set is kept. */
export type MetricLabels = Readonly<Record<string, string>>;

/** What a metric is called and what it counts; the unit ends its name (`…_bytes`, `…_seconds`). */
export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  /** Names of its labels; every use gives all of them. */
  readonly labels?: readonly string[];
}

/** A number that only rises. */
export interface Counter {
  add(count: number, labels?: MetricLabels): void;
}

/** A number as it is now. */
export interface Gauge {
  set(value: number, labels?: MetricLabels): void;
}

/** How often a value lay in which range. */
export interface Histogram {
  observe(value: number, labels?: MetricLabels): void;
}

/**
 * Where the libraries leave their numbers. A library makes its metrics once, when it is made
 * itself, so that the hot path only adds.
 */
export interface Metrics {
  counter(options: MetricOptions): Counter;
  gauge(options: MetricOptions): Gauge;
  /** @param options.buckets upper bounds, rising */
  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): Histogram;
}

const nothing = (): void => {};

/** Keeps no numbers; for tests, tools, and where nobody asked for metrics. */
export const silentMetrics: Metrics = {
  counter: () => ({ add: nothing }),
  gauge: () => ({ set: nothing }),
  histogram: () => ({ observe: nothing }),
};

/** What metrics are as text, for whoever collects them. */
export interface MetricsText {
  /** The media type of `text`. */
  readonly contentType: string;
  /** All metrics as they are now. */
  text(): Promise<string>;
}
