import { randomBytes, randomUUID } from 'node:crypto';
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

/** The only source of randomness. */
export interface Random {
  /** 128 random bits in Kafka's form of a UUID: 22 characters of base64url, never a leading '-'. */
  uuid(): string;
  /** A random UUID (version 4) in the usual 36-character form. */
  uuidV4(): string;
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

/** The operating system's random generator. */
export const systemRandom: Random = {
  uuid() {
    // Kafka's tools read a topic id that begins with '-' as an option, so such ids are not given
    // out.
    for (;;) {
      const id = randomBytes(16).toString('base64url');
      if (!id.startsWith('-')) return id;
    }
  },
  uuidV4: () => randomUUID(),
};
