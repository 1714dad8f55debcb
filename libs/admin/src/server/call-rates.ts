import type { Clock } from '@sluice/base';
import { adminLimits } from '../limits';

interface Bucket {
  calls: number;
  filledMs: number;
}

/** How many calls are allowed. */
export interface Rate {
  burstMax: number;
  perSecondMax: number;
}

/**
 * Counts calls, each caller's for itself: some at once, and then so many a second. Of callers that
 * are too many the one that called longest ago is forgotten.
 */
export class CallRates {
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    private readonly rate: Rate,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  /** Counts a call. 0: it is allowed; else the seconds until the next one will be. */
  take(caller: string): number {
    const bucket = this.#filled(caller);
    if (bucket.calls < 1) return Math.ceil((1 - bucket.calls) / this.rate.perSecondMax);
    bucket.calls--;
    return 0;
  }

  #filled(caller: string): Bucket {
    const { burstMax, perSecondMax } = this.rate;
    const nowMs = this.clock.monotonicMs();
    const known = this.#buckets.get(caller);
    this.#buckets.delete(caller);
    const bucket = known ?? { calls: burstMax, filledMs: nowMs };
    const gained = ((nowMs - bucket.filledMs) / 1_000) * perSecondMax;
    bucket.calls = Math.min(burstMax, bucket.calls + gained);
    bucket.filledMs = nowMs;
    this.#buckets.set(caller, bucket);
    if (this.#buckets.size > adminLimits.callersMax) {
      this.#buckets.delete(this.#buckets.keys().next().value!);
    }
    return bucket;
  }
}
