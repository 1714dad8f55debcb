import { performance } from 'node:perf_hooks';

/** A timer that was set and can be taken back. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

/** The only source of time: production uses `systemClock`, tests a clock that they move by hand. */
export interface Clock {
  /** Wall-clock time, ms since 1970. May jump; never used to decide who may write. */
  nowMs(): number;
  /** Time that only goes forward, ms since some fixed moment. */
  monotonicMs(): number;
  /** Runs `run` once, `delayMs` from now. */
  setTimer(delayMs: number, run: () => void): Timer;
}

/** The machine's own clocks and timers. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};
