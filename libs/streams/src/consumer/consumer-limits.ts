/** Limits of a consumer. Those that are also settings have their defaults here. */
export const consumerLimits = {
  /** Records of one partition that are handed over and not dealt with. */
  inFlightRecordsMax: 1_000,
  /** Bytes of one partition's batches that are read and not dealt with. */
  partitionBytesMax: 8 * 1024 * 1024,
  /** The same of all partitions of a consumer together; each may have one batch in any case. */
  heldBytesMax: 64 * 1024 * 1024,
  /** What one read may bring, by what batches have been like so far. */
  readBytesMax: 2 * 1024 * 1024,
  /** Batches of one partition that one read may bring. */
  readEntriesMax: 500,
  /** What a batch may decompress to. */
  decompressedBytesMax: 128 * 1024 * 1024,
  /** Batches that one call takes over from a former owner. */
  takeEntriesMax: 100,
  /** Batches that one call acknowledges. */
  acknowledgedEntriesMax: 1_000,
  /** What is dealt with so soon after one another is acknowledged with one call. */
  acknowledgeAfterMs: 5,
  /** The same while at most `fewEntries` are held: each call takes more of Redis than a request. */
  acknowledgeFewAfterMs: 20,
  fewEntries: 32,
  /** The pause before a partition is asked for anew that another grant has. */
  claimAnewAfterMs: 500,
  /** How long a committed offset may be behind what was acknowledged. */
  commitEveryMs: 200,
  /** How often the log ends are looked at: for the lag, and for what another has taken. */
  lookEveryMs: 1_000,
  /** How long records in flight are waited for when a partition is revoked or a consumer closes. */
  drainMs: 10_000,
  /** How long a closing consumer waits for its last acknowledgements and its last commit. */
  lastWordMs: 2_000,
};

export type ConsumerLimits = typeof consumerLimits;
