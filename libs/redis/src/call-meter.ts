import type { Clock, Counter, CounterCell, Histogram, HistogramCell, Metrics } from '@sluice/base';
import type { Command, Redis } from 'ioredis';
import { isErrorReply } from './errors';
import { redisMetrics } from './metrics';
import { definedScripts } from './script/script';

/** The metrics of all connections of a process. */
export interface CallMetrics {
  readonly calls: Histogram;
  readonly failures: Counter;
  readonly lost: Counter;
}

/** Makes the metrics of calls; a process may do it several times. */
export function callMetrics(metrics: Metrics): CallMetrics {
  return {
    calls: metrics.histogram(redisMetrics.calls),
    failures: metrics.counter(redisMetrics.failures),
    lost: metrics.counter(redisMetrics.lost),
  };
}

/**
 * Measures the calls of one connection. The clock is read once for all that leave, or come, in one
 * turn.
 */
export class CallMeter {
  /** By command, and by SHA-1 for scripts. */
  readonly #cells = new Map<string, HistogramCell>();
  readonly #answered: CounterCell;
  readonly #lostCalls: CounterCell;
  readonly #lost: CounterCell;
  #cameMs = 0;
  #wasReady = false;

  constructor(
    private readonly metrics: CallMetrics,
    private readonly connection: string,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.#answered = metrics.failures.with({ connection, reason: 'answered' });
    this.#lostCalls = metrics.failures.with({ connection, reason: 'lost' });
    this.#lost = metrics.lost.with({ connection });
  }

  /** To be called once, before it connects. */
  attach(redis: Redis): void {
    const came = (): void => {
      this.#cameMs = this.clock.monotonicMs();
    };
    // Before ioredis reads what has come.
    redis.on('connect', () => redis.stream.prependListener('data', came));
    redis.on('ready', () => (this.#wasReady = true));
    redis.on('close', () => {
      if (this.#wasReady) this.#lost.add(1);
      this.#wasReady = false;
    });
  }

  /** The time of a turn of the event loop in which calls are made, for `begin`. */
  nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** A call is made now. */
  begin(command: Command, sentMs: number): void {
    const cell = this.#cellOf(command);
    const { resolve, reject } = command;
    command.resolve = (reply: unknown) => {
      cell.observe(Math.max(0, this.#cameMs - sentMs) / 1000);
      return resolve(reply);
    };
    command.reject = (error: Error) => {
      (isErrorReply(error) ? this.#answered : this.#lostCalls).add(1);
      reject(error);
    };
  }

  #cellOf({ name, args }: Command): HistogramCell {
    const key = name === 'evalsha' ? String(args[0]) : name;
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      const command = name === 'evalsha' ? scriptName(key) : name.toLowerCase();
      cell = this.metrics.calls.with({ connection: this.connection, command });
      this.#cells.set(key, cell);
    }
    return cell;
  }
}

/** Scripts that are not of this project have no name that would say anything. */
function scriptName(sha1: string): string {
  for (const script of definedScripts()) if (script.sha1 === sha1) return script.name;
  return 'evalsha';
}
