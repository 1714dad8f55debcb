import type { Clock, Timer } from '@sluice/base';

/**
 * How long a member may count itself as one, by its own clock, which does not jump. It is told
 * when the time is over, and can ask at any moment, as timers are late in a process that was held
 * up.
 */
export class Lease {
  #sessionEndMs = -Infinity;
  #revocationEndMs = Infinity;
  #timer: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly onOver: () => void,
  ) {}

  get isOver(): boolean {
    return this.clock.monotonicMs() >= this.#endMs;
  }

  /** The session goes on until then. */
  extend(sessionEndMs: number): void {
    this.#sessionEndMs = sessionEndMs;
    this.#watch();
  }

  /** What is revoked has to be let go until then; Infinity where nothing is. */
  limit(revocationEndMs: number): void {
    if (this.#revocationEndMs === revocationEndMs) return;
    this.#revocationEndMs = revocationEndMs;
    this.#watch();
  }

  end(): void {
    this.#sessionEndMs = -Infinity;
    this.#revocationEndMs = Infinity;
    this.#timer?.cancel();
    this.#timer = null;
  }

  get #endMs(): number {
    return Math.min(this.#sessionEndMs, this.#revocationEndMs);
  }

  #watch(): void {
    this.#timer?.cancel();
    const delayMs = Math.max(0, this.#endMs - this.clock.monotonicMs());
    this.#timer = this.clock.setTimer(Math.ceil(delayMs), () => {
      if (this.isOver) this.onOver();
      else this.#watch();
    });
  }
}
