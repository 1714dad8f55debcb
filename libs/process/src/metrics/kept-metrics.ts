import type {
  Counter,
  Gauge,
  Histogram,
  HistogramOptions,
  MetricDefinition,
  MetricOptions,
  Metrics,
  MetricsText,
  Tell,
} from '@sluice/base';
import { projectVersion } from '../version';
import { Exposition, textContentType } from './exposition';
import { KeptHistogram, KeptNumber, ReadMetric, type KeptMetric } from './kept-metric';
import { processMetrics } from './definitions';

/**
 * The metrics of a process: numbers in memory. Only when they are asked for, prom-client is loaded
 * to write them as text; it takes 50 ms and 10 MB, which a gateway that nobody watches never pays.
 */
export class KeptMetrics implements Metrics, MetricsText {
  readonly contentType = textContentType;
  readonly #metrics = new Map<string, KeptMetric>();
  #exposition: Promise<Exposition> | null = null;
  #text: Promise<string> | null = null;

  constructor() {
    this.gauge(processMetrics.build).set(1, { version: projectVersion() });
  }

  counter(options: MetricOptions): Counter {
    return this.#number('counter', options);
  }

  gauge(options: MetricOptions): Gauge {
    return this.#number('gauge', options);
  }

  histogram(options: HistogramOptions): Histogram {
    return this.#kept(options, KeptHistogram, () => new KeptHistogram(options));
  }

  observe(definition: MetricDefinition, read: (tell: Tell) => void): () => void {
    const { type } = definition;
    if (type === 'histogram') throw new Error(`${definition.name}: a histogram cannot be read`);
    return this.#kept(definition, ReadMetric, () => new ReadMetric(type, definition)).add(read);
  }

  /** Those who ask at the same time get the same text. */
  text(): Promise<string> {
    this.#text ??= this.#write().finally(() => (this.#text = null));
    return this.#text;
  }

  async #write(): Promise<string> {
    this.#exposition ??= Exposition.load();
    return (await this.#exposition).write(this.#metrics.values());
  }

  #number(type: 'counter' | 'gauge', options: MetricOptions): KeptNumber {
    const kept = this.#kept(options, KeptNumber, () => new KeptNumber(type, options));
    if (kept.type !== type) throw new Error(`${options.name} is a ${kept.type}, not a ${type}`);
    return kept;
  }

  /** @throws Error where the name is that of another kind of metric */
  #kept<T extends KeptMetric>(
    { name }: MetricOptions,
    kind: new (...given: never[]) => T,
    make: () => T,
  ): T {
    const known = this.#metrics.get(name);
    if (known === undefined) {
      const made = make();
      this.#metrics.set(name, made);
      return made;
    }
    if (!(known instanceof kind)) throw new Error(`${name} is a metric of another kind already`);
    return known;
  }
}
