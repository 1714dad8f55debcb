import type { Clock, Timer } from './clock';
import type { Logger } from './logger';

/** A piece of background work, and how often it is done. */
export interface PeriodicOptions {
  clock: Clock;
  log: Logger;
  /** Names the work in log lines: "<name> failed; …". */
  name: string;
  /** From the end of one run to the beginning of the next. */
  everyMs: number;
  /**
   * One run. It should look at `signal` between its steps: it is aborted when the work is stopped.
   */
  run: (signal: AbortSignal) => Promise<void> | void;
  /** The level of the one line about a failure; `warn` where it is left out. */
  failureLevel?: 'debug' | 'warn' | 'error';
}

/**
 * Work that is done again and again, one run at a time. A run that fails is followed by the next as
 * if nothing had happened; of failures in a row only the first is logged, and then that it works
 * again.
 */
export class Periodic {
  readonly #stopping = new AbortController();
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #wantedAgain = false;
  #failures = 0;

  constructor(private readonly options: PeriodicOptions) {}

  /** Begins; the first run is after `firstDelayMs`, which is `everyMs` where it is left out. */
  start(firstDelayMs = this.options.everyMs): void {
    this.#schedule(firstDelayMs);
  }

  /** Runs now, and once more at once if a run is under way. Does nothing once stopped. */
  runSoon(): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#running !== null) this.#wantedAgain = true;
    else this.#begin();
  }

  /** Ends it; resolves when the run that is under way has ended. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#timer?.cancel();
    this.#timer = null;
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = this.options.clock.setTimer(delayMs, () => this.runSoon());
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#wantedAgain = false;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    await this.#attempt();
    this.#running = null;
    if (this.#wantedAgain) this.runSoon();
    else this.#schedule(this.options.everyMs);
  }

  async #attempt(): Promise<void> {
    const { name, log, run, failureLevel = 'warn' } = this.options;
    try {
      await run(this.#stopping.signal);
      if (this.#failures > 0)
        log[failureLevel](`${name} works again`, { failures: this.#failures });
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      if (this.#failures > 1 || this.#stopping.signal.aborted) return;
      const { message } = error as Error;
      log[failureLevel](`${name} failed; it is tried again`, { error: message });
    }
  }
}
