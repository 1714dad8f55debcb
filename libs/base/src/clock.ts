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
  /** Runs `run` once, `delayMs` from now, however long that is; never where it is infinite. */
  setTimer(delayMs: number, run: () => void): Timer;
}

/** The longest time for which Node can set a timer, 2^31 - 1 ms; what is longer fires at once. */
const nodeTimerMsMax = 2_147_483_647;

/** The machine's own clocks and timers. A delay that is no number is a mistake: RangeError. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, run) {
    if (Number.isNaN(delayMs)) throw new RangeError('the delay of a timer is no number');
    let leftMs = delayMs;
    const wait = (): NodeJS.Timeout => {
      if (leftMs <= nodeTimerMsMax) return setTimeout(run, leftMs);
      leftMs -= nodeTimerMsMax;
      return setTimeout(() => (handle = wait()), nodeTimerMsMax);
    };
    let handle = wait();
    return { cancel: () => clearTimeout(handle) };
  },
};
