import type { Gauge, MetricType, Registry } from 'prom-client';
import type { KeptMetric } from './kept-metric';

type Client = typeof import('prom-client');

/** The media type of Prometheus' text form, as its servers know it. */
export const textContentType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * What prom-client finds out with work that grows with the number of connections: lists of all of
 * them, made anew each time.
 */
const costlyNames = [
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
];

/** Writes metrics in Prometheus' text form, and with them those of Node and of the process. */
export class Exposition {
  readonly #registry: Registry;
  readonly #shown = new Set<KeptMetric>();

  private constructor(private readonly client: Client) {
    this.#registry = new client.Registry();
    client.collectDefaultMetrics({ register: this.#registry });
    for (const name of costlyNames) this.#registry.removeSingleMetric(name);
  }

  /** From then on the event loop's delays and the garbage collector are watched. */
  static async load(): Promise<Exposition> {
    return new Exposition(await import('prom-client'));
  }

  /** @param metrics all that there are; those that are new since the last time are added */
  write(metrics: Iterable<KeptMetric>): Promise<string> {
    for (const metric of metrics) {
      if (this.#shown.has(metric)) continue;
      this.#shown.add(metric);
      this.#show(metric);
    }
    return this.#registry.metrics();
  }

  /** The metrics of Node and of the process, before any other was written. */
  nodeMetrics(): NodeMetric[] {
    return this.#registry.getMetricsAsArray().map((metric) => {
      const { name, help, type, labelNames = [] } = metric as unknown as ClientMetric;
      return { name, help, type, labels: labelNames };
    });
  }

  /** prom-client asks each metric what it is and for its numbers, and formats what it gets. */
  #show(metric: KeptMetric): void {
    const { name, help, labels = [] } = metric.options;
    const shown = new this.client.Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
    });
    const type = metric.type as unknown as MetricType;
    const asked = { name, help, type, aggregator: 'sum' } as const;
    // Its type wants functions that nobody calls.
    shown.get = (() => Promise.resolve({ ...asked, values: metric.samples() })) as Gauge['get'];
  }
}

/** What prom-client finds out about any program. */
export interface NodeMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labels: readonly string[];
}

/** All of them, for the documents and their tests. */
export async function metricsOfNode(): Promise<NodeMetric[]> {
  return (await Exposition.load()).nodeMetrics();
}

interface ClientMetric {
  name: string;
  help: string;
  type: string;
  labelNames?: string[];
}
