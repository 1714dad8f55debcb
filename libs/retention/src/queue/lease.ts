import type { Clock, Timer } from '@sluice/base';

/** Why a job is broken off: its lock may be another worker's by now, or the worker is stopped. */
export type BreakOff = 'lock-lost' | 'stopping';

/**
 * A worker's right to a job, which has to be renewed. It ends when a renewal is refused, and by
 * itself when none has come for as long as the lock lasts: a worker that was frozen, or cut off
 * from Redis, stops at its next step, whoever has the job by then.
 */
export class Lease {
  readonly #ending = new AbortController();
  #timer: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly lastsMs: number,
  ) {
    this.renewed();
  }

  /** Aborted with a `BreakOff` as its reason. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Why it ended; null while it lasts. */
  get brokenOff(): BreakOff | null {
    return this.signal.aborted ? (this.signal.reason as BreakOff) : null;
  }

  /** Redis has confirmed it just now. */
  renewed(): void {
    this.#timer?.cancel();
    if (this.signal.aborted) return;
    this.#timer = this.clock.setTimer(this.lastsMs, () => this.end('lock-lost'));
  }

  end(why: BreakOff): void {
    this.#timer?.cancel();
    this.#ending.abort(why);
  }

  /** The job is done; nothing more happens. */
  close(): void {
    this.#timer?.cancel();
  }
}
