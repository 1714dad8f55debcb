import {
  silentMetrics,
  type Counter,
  type Gauge,
  type Histogram,
  type HistogramOptions,
  type MetricDefinition,
  type MetricLabels,
  type MetricOptions,
  type Metrics,
  type Tell,
} from '@sluice/base';
import type * as promClient from 'prom-client';
import { optionalPackage } from './optional-package';

/** What is used of prom-client. */
type PromClient = Pick<typeof promClient, 'Counter' | 'Gauge' | 'Histogram' | 'register'>;

type Read = (tell: Tell) => void;

/** Who is asked when the numbers of a metric are; of every registry, for all servers together. */
const readers = new WeakMap<promClient.Registry, Map<string, Set<Read>>>();

/**
 * Where the numbers of a service go: as it was told; else to prom-client's default registry, and
 * where that is not installed, nowhere.
 */
export function usualMetrics(given: Metrics | undefined): Metrics {
  if (given !== undefined) return given;
  const client: PromClient | null = optionalPackage(() => require('prom-client'));
  return client === null ? silentMetrics : new PromMetrics(client);
}

/** Leaves numbers in prom-client's default registry, with whatever else a service keeps there. */
class PromMetrics implements Metrics {
  constructor(private readonly client: PromClient) {}

  counter(options: MetricOptions): Counter {
    const known = this.client.register.getSingleMetric(options.name);
    const kept =
      (known as promClient.Counter | undefined) ?? new this.client.Counter(configOf(options));
    return {
      add: (count, labels = {}) => kept.inc(labels, count),
      with: (labels) => {
        const cell = kept.labels(labels);
        return { add: (count) => cell.inc(count) };
      },
      forget: (labels) => kept.remove(labels),
    };
  }

  gauge(options: MetricOptions): Gauge {
    const kept = this.#gauge(options);
    return {
      set: (value, labels = {}) => kept.set(labels, value),
      with: (labels) => {
        const cell = kept.labels(labels);
        return { set: (value) => cell.set(value) };
      },
      forget: (labels) => kept.remove(labels),
    };
  }

  histogram(options: HistogramOptions): Histogram {
    const known = this.client.register.getSingleMetric(options.name);
    const config = { ...configOf(options), buckets: [...options.buckets] };
    const kept = (known as promClient.Histogram | undefined) ?? new this.client.Histogram(config);
    return {
      observe: (value, labels = {}) => kept.observe(labels, value),
      with: (labels) => {
        const cell = kept.labels(labels);
        return { observe: (value) => cell.observe(value) };
      },
      forget: (labels) => kept.remove(labels),
    };
  }

  observe(definition: MetricDefinition, read: Read): () => void {
    const { register } = this.client;
    const ofRegistry = readers.get(register) ?? new Map<string, Set<Read>>();
    readers.set(register, ofRegistry);
    const ofMetric = ofRegistry.get(definition.name) ?? new Set<Read>();
    ofRegistry.set(definition.name, ofMetric);
    ofMetric.add(read);
    this.#gauge(definition, function (this: promClient.Gauge) {
      this.reset();
      const tell: Tell = (value, labels: MetricLabels = {}) => this.inc(labels, value);
      for (const one of ofMetric) one(tell);
    });
    return () => void ofMetric.delete(read);
  }

  #gauge(options: MetricOptions, collect?: (this: promClient.Gauge) => void): promClient.Gauge {
    const known = this.client.register.getSingleMetric(options.name);
    if (known !== undefined) return known as promClient.Gauge;
    return new this.client.Gauge({ ...configOf(options), ...(collect && { collect }) });
  }
}

function configOf({ name, help, labels = [] }: MetricOptions) {
  return { name, help, labelNames: [...labels] };
}
