import type { Clock, Timer } from '@sluice/base';

interface PendingTimer {
  dueMs: number;
  sequence: number;
  run: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  readonly #pending = new Set<PendingTimer>();
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #sequence = 0;

  /** @param startMs the wall-clock time to begin with, ms since 1970 */
  constructor(startMs = 1_700_000_000_000) {
    this.#wallOffsetMs = startMs;
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#monotonicMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const dueMs = this.#monotonicMs + Math.max(0, delayMs);
    const timer: PendingTimer = { dueMs, sequence: this.#sequence++, run };
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  /** How many timers are set and have not run. */
  get timerCount(): number {
    return this.#pending.size;
  }

  /** In how many ms the next timer is due; null when none is set. */
  get nextTimerMs(): number | null {
    const next = this.#next(Infinity);
    return next === null ? null : next.dueMs - this.#monotonicMs;
  }

  /**
   * Moves time forward and runs every timer that falls due on the way, each at its own moment, in
   * the order of their times; also those that are set meanwhile.
   */
  advance(ms: number): void {
    const untilMs = this.#monotonicMs + ms;
    for (let timer = this.#next(untilMs); timer !== null; timer = this.#next(untilMs)) {
      this.#monotonicMs = Math.max(this.#monotonicMs, timer.dueMs);
      this.#pending.delete(timer);
      timer.run();
    }
    this.#monotonicMs = untilMs;
  }

  /** As `advance`, and lets promises settle after each timer and at the end. */
  async advanceAsync(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await settled();
    for (let timer = this.#next(untilMs); timer !== null; timer = this.#next(untilMs)) {
      this.#monotonicMs = Math.max(this.#monotonicMs, timer.dueMs);
      this.#pending.delete(timer);
      timer.run();
      await settled();
    }
    this.#monotonicMs = untilMs;
  }

  /**
   * Time passes and nothing runs, as in a process that is stopped or does not get the processor.
   * Timers that fell due run when time is moved next.
   */
  standStill(ms: number): void {
    this.#monotonicMs += ms;
  }

  /** Moves the wall clock only, as an operator or NTP does; timers do not notice. */
  jumpWallClock(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  #next(untilMs: number): PendingTimer | null {
    let first: PendingTimer | null = null;
    for (const timer of this.#pending) {
      if (timer.dueMs > untilMs) continue;
      const earlier =
        first === null ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.sequence < first.sequence);
      if (earlier) first = timer;
    }
    return first;
  }
}

/** Lets every promise that is already resolved run what waits for it. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
