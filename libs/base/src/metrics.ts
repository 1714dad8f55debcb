/** Values by label name, such as `{ api: 'Produce' }`; few values each, for each set is kept. */
export type MetricLabels = Readonly<Record<string, string>>;

/** What a metric is called and what it counts; the unit ends its name (`…_bytes`, `…_seconds`). */
export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  /** Names of its labels; every use gives all of them. */
  readonly labels?: readonly string[];
  /**
   * So many sets of label values are kept apart, `baseLimits.labelSetsMax` where it is left out;
   * what comes beyond them is counted together, with `other` as the value of each label.
   */
  readonly labelSetsMax?: number;
}

/** A metric that has ranges. */
export interface HistogramOptions extends MetricOptions {
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

/**
 * A metric as a library declares it, in a table of its own from which docs/metrics.md is made. It
 * is given to the method of `Metrics` that its type names; one that `observe` takes may be a
 * counter or a gauge.
 */
export type MetricDefinition =
  | (MetricOptions & { readonly type: 'counter' | 'gauge' })
  | (HistogramOptions & { readonly type: 'histogram' });

/** One number of a counter. Adding to it is an addition and nothing else. */
export interface CounterCell {
  add(count: number): void;
}

/** One number of a gauge. */
export interface GaugeCell {
  set(value: number): void;
}

/** The ranges of a histogram for one set of label values. */
export interface HistogramCell {
  observe(value: number): void;
}

/** What all metrics with labels have in common. */
export interface Labelled<Cell> {
  /**
   * What belongs to one set of label values, to be kept by whoever uses it often: on the hot path
   * nothing is looked up.
   */
  with(labels: MetricLabels): Cell;
  /** The set is no longer shown, and its place is free; whoever has it adds to nothing. */
  forget(labels: MetricLabels): void;
}

/** A number that only rises. */
export interface Counter extends Labelled<CounterCell> {
  add(count: number, labels?: MetricLabels): void;
}

/** A number as it is now. */
export interface Gauge extends Labelled<GaugeCell> {
  set(value: number, labels?: MetricLabels): void;
}

/** How often a value lay in which range. */
export interface Histogram extends Labelled<HistogramCell> {
  observe(value: number, labels?: MetricLabels): void;
}

/** Takes a value that is being asked for. Values for one set of labels are added up. */
export type Tell = (value: number, labels?: MetricLabels) => void;

/**
 * Where the libraries leave their numbers. A library makes its metrics once, when it is made
 * itself, so that the hot path only adds. Asking twice for a name gives the same metric.
 */
export interface Metrics {
  counter(options: MetricOptions): Counter;
  gauge(options: MetricOptions): Gauge;
  histogram(options: HistogramOptions): Histogram;
  /**
   * A gauge, or a counter that somebody keeps anyway, that is read whenever the metrics are asked
   * for, and costs nothing else. `read` is quick, waits for nothing and asks nobody outside of the
   * process. One name may have several readers.
   *
   * @returns what takes the reader back
   */
  observe(definition: MetricDefinition, read: (tell: Tell) => void): () => void;
}

/** All metrics of a process in the text form of Prometheus. */
export interface MetricsText {
  /** The media type of `text`. */
  readonly contentType: string;
  text(): Promise<string>;
}

const nothing = (): void => {};
const none = { add: nothing, set: nothing, observe: nothing };
const silent = { ...none, with: () => none, forget: nothing };

/** Keeps no numbers; for tests, tools, and where nobody asked for metrics. */
export const silentMetrics: Metrics & MetricsText = {
  counter: () => silent,
  gauge: () => silent,
  histogram: () => silent,
  observe: () => nothing,
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  text: () => Promise.resolve(''),
};
