const KiB = 1024;
const MiB = 1024 * KiB;

/** Limits of a producer; those that settings name are what holds where a setting is left out. */
export const producerLimits = {
  /** Bytes of all records that have no outcome yet (setting). */
  bufferBytesMax: 32 * MiB,
  /** Bytes of a batch before it is compressed (setting); a larger record has one of its own. */
  batchBytesMax: 256 * KiB,
  /** Records of a batch: encoding it keeps the event loop from all else. */
  batchRecordsMax: 10_000,
  /** How long a record may be without an outcome (setting). */
  deliveryTimeoutMs: 30_000,
  /** The longest that a record may wait for others (setting `lingerMs`). */
  lingerMsMax: 60_000,
  /** The pause before a batch is sent again; doubled each time, up to the larger. */
  retryDelayMsMin: 20,
  retryDelayMsMax: 500,
  /** How often records are looked for whose time is over. */
  expirySweepMs: 100,
  /** After so long without a further failure, trouble with sending counts as over. */
  troubleQuietMs: 10_000,
} as const;
