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
  /** After so many answers that were published, the stream is looked at, and made shorter. */
  trimEveryEntries: 1_000,
  /** How often the stream is looked at while an answer is waited for. */
  lookEveryMs: 1_000,
  /** The longest answer that is published whole; of others it is only said that they are there. */
  wordBytesMax: 16 * 1024,
  /** The pause before the stream is read again after that has failed. */
  readRetryMs: 50,
  /** Characters that the address of a client may have. */
  addressCharactersMax: 64,
} as const;
