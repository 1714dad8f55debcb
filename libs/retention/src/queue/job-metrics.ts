import type { MetricDefinition, Metrics } from '@sluice/base';
import type { JobKind, JobReport } from './kinds';

/** How a run ended. */
export type RunOutcome = 'done' | 'failed' | 'broken-off';

/**
 * What is measured of the jobs; one row a metric. The label is not called `job`, which Prometheus
 * itself sets.
 */
export const jobMetricDefinitions = {
  runs: {
    type: 'counter',
    name: 'sluice_housekeeping_runs_total',
    help: 'Runs of housekeeping jobs, by their kind and how they ended: done, failed, broken-off.',
    labels: ['kind', 'outcome'],
  },
  seconds: {
    type: 'histogram',
    name: 'sluice_housekeeping_run_seconds',
    help: 'How long runs of housekeeping jobs took, in seconds.',
    labels: ['kind'],
    buckets: [0.01, 0.1, 1, 10, 60, 600],
  },
  records: {
    type: 'counter',
    name: 'sluice_housekeeping_freed_records_total',
    help: 'Records that housekeeping jobs have dropped.',
    labels: ['kind'],
  },
  bytes: {
    type: 'counter',
    name: 'sluice_housekeeping_freed_bytes_total',
    help: 'Bytes of batches that housekeeping jobs have dropped.',
    labels: ['kind'],
  },
  keys: {
    type: 'counter',
    name: 'sluice_housekeeping_freed_keys_total',
    help: 'Keys, and fields of keys, that housekeeping jobs have removed.',
    labels: ['kind'],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** The numbers of the jobs. */
export class JobMetrics {
  readonly #metrics;

  constructor(metrics: Metrics) {
    const { runs, seconds, records, bytes, keys } = jobMetricDefinitions;
    this.#metrics = {
      runs: metrics.counter(runs),
      seconds: metrics.histogram(seconds),
      records: metrics.counter(records),
      bytes: metrics.counter(bytes),
      keys: metrics.counter(keys),
    };
  }

  ended(kind: JobKind, outcome: RunOutcome): void {
    this.#metrics.runs.add(1, { kind, outcome });
  }

  freed(kind: JobKind, report: JobReport): void {
    const { seconds, records, bytes, keys } = this.#metrics;
    seconds.observe(report.ms / 1_000, { kind });
    records.add(report.records, { kind });
    bytes.add(report.bytes, { kind });
    keys.add(report.keys, { kind });
  }
}
