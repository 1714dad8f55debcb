import type { BackoffFunction, BackoffOptions } from './options';

/** How waits between attempts grow where nothing else is said. */
export const defaultBackoff = {
  type: 'exponential',
  delayMs: 200,
  delayMsMax: 30_000,
  jitter: 0.3,
} as const satisfies Required<BackoffOptions>;

/** The longest wait between attempts, 24 days, where nobody asks for a certain one. */
const backoffMsMax = 24 * 86_400_000;

/**
 * How long to wait after each attempt, before jitter.
 *
 * @throws RangeError when an option is out of its range
 */
export function backoffOf(options: BackoffOptions | BackoffFunction = {}): BackoffFunction {
  if (typeof options === 'function') return options;
  const { type, delayMs, delayMsMax } = { ...defaultBackoff, ...options };
  if (!(delayMs >= 0)) throw new RangeError(`backoff.delayMs is ${delayMs}, below 0`);
  if (!(delayMsMax >= 0)) throw new RangeError(`backoff.delayMsMax is ${delayMsMax}, below 0`);
  if (type === 'fixed') return () => Math.min(delayMs, delayMsMax);
  return (failedAttempt) => Math.min(delayMs * 2 ** (failedAttempt - 1), delayMsMax);
}

/**
 * By how much waits are shortened.
 *
 * @throws RangeError outside 0 to 1
 */
export function jitterOf(options: BackoffOptions | BackoffFunction = {}): number {
  if (typeof options === 'function') return 0;
  const { jitter = defaultBackoff.jitter } = options;
  if (!(jitter >= 0 && jitter <= 1))
    throw new RangeError(`backoff.jitter is ${jitter}, not 0 to 1`);
  return jitter;
}

/**
 * A wait that is shortened by up to `jitter` of it. How much, the record's place and the attempt
 * say: spread as if by chance, and the same whenever it is asked.
 */
export function jittered(delayMs: number, jitter: number, offset: number, attempt: number): number {
  // What a function gives may be no number; a wait of that would be none.
  const asked = Number.isNaN(delayMs) ? defaultBackoff.delayMs : delayMs;
  const bounded = Math.min(Math.max(0, asked), backoffMsMax);
  const spread = mixed(offset * 31 + attempt) / 2 ** 32;
  return Math.round(bounded * (1 - jitter * spread));
}

/** An integer whose bits all depend on all bits of the given one (the end of MurmurHash3). */
export function mixed(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
