import type { Clock } from './clock';
import { baseLimits } from './limits';
import type { Logger } from './logger';

/** What is sampled, and how. */
export interface SamplerOptions<T> {
  clock: Pick<Clock, 'monotonicMs'>;
  log: Logger;
  /** Names it in log lines: "<name> failed". */
  name: string;
  /** Finds the value out; looks at `signal`, which is aborted when the sampler is stopped. */
  take: (signal: AbortSignal) => Promise<T>;
}

/**
 * A value that takes some work to find out, for those who want it now and do not mind that it is a
 * little old, as metrics do. It is found out anew when somebody looks and it is older than
 * `baseLimits.sampleAgeMs`, one at a time; where nobody looks, no work is done.
 */
export class Sampler<T> {
  readonly #stopping = new AbortController();
  #latest: T | null = null;
  #takenMs = -Infinity;
  #triedMs = -Infinity;
  #taking: Promise<void> | null = null;

  constructor(private readonly options: SamplerOptions<T>) {}

  /** The last value; null before the first. A new one comes for those who look later. */
  look(): T | null {
    const { clock } = this.options;
    const ageMs = clock.monotonicMs() - this.#triedMs;
    if (ageMs >= baseLimits.sampleAgeMs && !this.#stopping.signal.aborted) {
      this.#taking ??= this.#take().finally(() => (this.#taking = null));
    }
    return this.#latest;
  }

  /** How old the last value is; infinite before the first. */
  get ageMs(): number {
    return this.options.clock.monotonicMs() - this.#takenMs;
  }

  /** Nothing is found out any more; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#taking;
  }

  async #take(): Promise<void> {
    const { clock, log, name, take } = this.options;
    this.#triedMs = clock.monotonicMs();
    try {
      this.#latest = await take(this.#stopping.signal);
      this.#takenMs = clock.monotonicMs();
    } catch (error) {
      log.debug(`${name} failed`, { error: (error as Error).message });
    }
  }
}
