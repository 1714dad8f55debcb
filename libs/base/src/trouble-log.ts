import type { Clock, Timer } from './clock';
import type { LogFields, Logger } from './logger';

/** Trouble of one kind, and how it is told. */
export interface TroubleOptions {
  clock: Clock;
  log: Logger;
  /** The line when it begins, such as "connections are refused". */
  message: string;
  /** The trouble is over once it has not been noted for so long. */
  quietMs: number;
  /** The level of both lines; `warn` where it is left out. */
  level?: 'info' | 'warn' | 'error';
}

/**
 * Tells of trouble that may come in floods without flooding the log: one line when it begins, and
 * one with the count when it is over. What comes once is told once; what comes in between is told
 * at level debug.
 */
export class TroubleLog {
  #times = 0;
  #beganMs = 0;
  #lastMs = 0;
  #timer: Timer | null = null;

  constructor(private readonly options: TroubleOptions) {}

  /** It has happened (again); the fields are logged if this is where the trouble begins. */
  note(fields: LogFields = {}): void {
    const { clock, log, message, level = 'warn', quietMs } = this.options;
    this.#lastMs = clock.monotonicMs();
    if (++this.#times > 1) return log.debug(message, fields);
    this.#beganMs = this.#lastMs;
    log[level](message, fields);
    this.#lookIn(quietMs);
  }

  /** It is known to be over; without effect where there is none. */
  over(): void {
    const times = this.#times;
    if (times === 0) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#times = 0;
    const { log, message, level = 'warn' } = this.options;
    const lastedMs = Math.round(this.#lastMs - this.#beganMs);
    log[level](`over: ${message}`, { times, lastedMs });
  }

  /** Nothing will be noted any more; a flood that goes on is told to its end. */
  stop(): void {
    if (this.#times > 1) return this.over();
    this.#timer?.cancel();
    this.#timer = null;
    this.#times = 0;
  }

  #lookIn(delayMs: number): void {
    const { clock, quietMs } = this.options;
    this.#timer = clock.setTimer(delayMs, () => {
      const quietForMs = clock.monotonicMs() - this.#lastMs;
      if (quietForMs < quietMs) this.#lookIn(quietMs - quietForMs);
      else this.stop();
    });
  }
}
