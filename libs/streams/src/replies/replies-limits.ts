/** Limits of the answers to requests. */
export const repliesLimits = {
  /** How long the stream of a client outlives it that ended without a word. */
  streamTtlMs: 60_000,
  /** How often a client says that it is there. */
  keepEveryMs: 15_000,
  /** Answers that may lie in the stream of a client; the oldest go first. */
  streamEntriesMax: 10_000,
  /** Answers that are read at once. */
  readEntriesMax: 500,
  /** After so many answers, what was read is removed. */
  trimEveryEntries: 1_000,
  /** The pause before the stream is read again after that has failed. */
  readRetryMs: 50,
  /** Characters that the address of a client may have. */
  addressCharactersMax: 64,
} as const;
