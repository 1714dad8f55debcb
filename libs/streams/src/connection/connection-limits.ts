/** Limits of a process' connection to the log. */
export const connectionLimits = {
  /** The pause before Redis is looked for again where it did not answer at the start. */
  connectRetryMs: 500,
  /** After so long without a further failure, trouble with appends counts as over. */
  troubleQuietMs: 10_000,
} as const;
