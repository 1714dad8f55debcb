import {
  silentMetrics,
  systemClock,
  type Clock,
  type Counter,
  type CounterCell,
  type HistogramCell,
  type Metrics,
} from '@sluice/base';
import { logMetrics } from '../metrics';
import type { AppendBatch, AppendReply, AppendResult } from './append-call';

/** Measures the append calls of all writers of a process. */
export class AppendMeter {
  readonly #batches: HistogramCell;
  readonly #bytes: HistogramCell;
  readonly #wait: HistogramCell;
  readonly #confirm: HistogramCell;
  readonly #script: CounterCell;
  readonly #direct: CounterCell;
  readonly #results: Counter;
  readonly #appended: CounterCell;
  readonly #failed: CounterCell;

  constructor(
    metrics: Metrics,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.#batches = metrics.histogram(logMetrics.appendBatches).with({});
    this.#bytes = metrics.histogram(logMetrics.appendBytes).with({});
    this.#wait = metrics.histogram(logMetrics.appendWait).with({});
    this.#confirm = metrics.histogram(logMetrics.confirm).with({});
    const calls = metrics.counter(logMetrics.appendCalls);
    this.#script = calls.with({ path: 'script' });
    this.#direct = calls.with({ path: 'direct' });
    this.#results = metrics.counter(logMetrics.results);
    this.#appended = this.#results.with({ result: 'appended' });
    this.#failed = this.#results.with({ result: 'failed' });
  }

  nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** A call is made; its first batch has been first in the line since then. */
  begins(batches: readonly AppendBatch[], firstSinceMs: number): void {
    let bytes = 0;
    for (const batch of batches) bytes += batch.bytes.length;
    this.#batches.observe(batches.length);
    this.#bytes.observe(bytes);
    this.#wait.observe((this.clock.monotonicMs() - firstSinceMs) / 1000);
  }

  /** What is sent for it. */
  sends(path: 'script' | 'direct'): void {
    (path === 'script' ? this.#script : this.#direct).add(1);
  }

  /** It is answered; null: it failed, and may be done or not. */
  ended(batches: readonly AppendBatch[], reply: AppendReply | null): void {
    if (reply === null || 'refused' in reply) return this.#failed.add(batches.length);
    let appended = 0;
    for (const result of reply.results) {
      if (result.kind === 'appended') appended++;
      else this.#results.add(1, { result: wordFor(result) });
    }
    this.#appended.add(appended);
  }

  /** Replicas have confirmed it, or have not in time. */
  confirmed(sinceMs: number): void {
    this.#confirm.observe((this.clock.monotonicMs() - sinceMs) / 1000);
  }
}

/** Kafka's errors tell apart what happened; that it is there already is one thing here. */
function wordFor({ kind }: AppendResult): string {
  return kind === 'duplicate-unknown' ? 'duplicate' : kind.replaceAll('-', '_');
}

/** Measures nothing. */
export const silentMeter = new AppendMeter(silentMetrics, systemClock);
