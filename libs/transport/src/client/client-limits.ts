/** Limits of a client; those that options name are what holds where an option is left out. */
export const clientLimits = {
  /** How long a request waits for its answer, or for the next one (option `requestTimeoutMs`). */
  requestTimeoutMs: 30_000,
  /** Requests of one client that may wait for answers (option `requestsMax`). */
  requestsMax: 10_000,
  /** After so long without a further failure, trouble with events counts as over. */
  troubleQuietMs: 10_000,
} as const;
