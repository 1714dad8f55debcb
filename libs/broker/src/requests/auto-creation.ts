import { TroubleLog, type Clock, type Logger } from '@sluice/base';
import { limits } from '../limits';

/**
 * How many topics may be created because clients ask for them: so many at once, and then so many a
 * second. Topics outlive their clients and fill Redis, so one broken client must not make them
 * without end. CreateTopics, which nobody sends by mistake, is not counted.
 */
export class AutoCreation {
  #allowance: number = limits.autoCreatesBurstMax;
  #countedAtMs: number;
  readonly #trouble: TroubleLog;

  constructor(private readonly deps: { clock: Clock; log: Logger }) {
    this.#countedAtMs = deps.clock.monotonicMs();
    const message = 'topics that clients ask for are not created: too many at once';
    this.#trouble = new TroubleLog({ ...deps, message, quietMs: limits.troubleQuietMs });
  }

  /** What one request may create. */
  forRequest(): RequestAllowance {
    let left: number = limits.autoCreatesPerRequestMax;
    return { take: () => left-- > 0 && this.#take() };
  }

  /** Tells the count of what is still going on. */
  stop(): void {
    this.#trouble.stop();
  }

  #take(): boolean {
    const { autoCreatesBurstMax, autoCreatesPerSecondMax } = limits;
    const nowMs = this.deps.clock.monotonicMs();
    const gained = ((nowMs - this.#countedAtMs) / 1_000) * autoCreatesPerSecondMax;
    this.#allowance = Math.min(autoCreatesBurstMax, this.#allowance + gained);
    this.#countedAtMs = nowMs;
    if (this.#allowance < 1) {
      this.#trouble.note({ autoCreatesBurstMax, autoCreatesPerSecondMax });
      return false;
    }
    this.#allowance--;
    return true;
  }
}

/** What is left of the topics that one request may create. */
export interface RequestAllowance {
  /** Takes one if there is one left. */
  take(): boolean;
}
