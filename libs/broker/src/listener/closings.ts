import {
  TroubleLog,
  type Clock,
  type Counter,
  type LogFields,
  type Logger,
  type Metrics,
} from '@sluice/base';
import { limits } from '../limits';
import { brokerMetrics } from '../metrics';
import { closeReasons, type CloseReason } from '../requests/close-connection';

/**
 * Tells of connections that are refused or closed. A client, or a thousand, that does the same
 * wrong thing again and again fills no log: each reason has one line when it begins and one with
 * the count when it is over; the single cases are told at level debug.
 */
export class Closings {
  readonly #troubles = new Map<CloseReason | 'refused', TroubleLog>();

  readonly #refused: Counter;
  readonly #closed: Counter;

  constructor(private readonly deps: { clock: Clock; log: Logger; metrics: Metrics }) {
    this.#refused = deps.metrics.counter(brokerMetrics.refused);
    this.#closed = deps.metrics.counter(brokerMetrics.closed);
  }

  /** One more connection is refused, because so many are open. */
  refused(connectionsMax: number): void {
    this.#refused.add(1, { reason: 'too_many' });
    const message = 'connections are refused: too many are open';
    this.#trouble('refused', message, 'warn').note({ connectionsMax });
  }

  /** One more connection is refused, because the gateway stops. */
  refusedAtStop(): void {
    this.#refused.add(1, { reason: 'stopping' });
  }

  /** A connection has ended, and not by the gateway. */
  ended(): void {
    this.#closed.add(1, { reason: 'the_client' });
  }

  /** The gateway ends a connection. */
  closed(reason: CloseReason, fields: LogFields): void {
    this.#closed.add(1, { reason: wordFor(reason) });
    const level = closeReasons[reason];
    const message = `connection closed: ${reason}`;
    if (level === 'debug') this.deps.log.debug(message, fields);
    else this.#trouble(reason, message, level).note(fields);
  }

  /** Tells the counts of what is still going on. */
  stop(): void {
    for (const trouble of this.#troubles.values()) trouble.stop();
  }

  #trouble(key: CloseReason | 'refused', message: string, level: 'warn' | 'error'): TroubleLog {
    let trouble = this.#troubles.get(key);
    if (!trouble) {
      trouble = new TroubleLog({ ...this.deps, message, quietMs: limits.troubleQuietMs, level });
      this.#troubles.set(key, trouble);
    }
    return trouble;
  }
}

/** A reason as it stands in metrics: `idle_for_too_long`. */
function wordFor(reason: CloseReason): string {
  return reason.toLowerCase().replace(/\W+/g, '_');
}
