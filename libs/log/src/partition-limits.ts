/** Bounds of what one call may ask of Redis, so that no script blocks it for long. */
export const partitionLimits = {
  /** Batches and bytes of one append call: a script blocks Redis while it runs. */
  appendBatchesMax: 1_000,
  appendBytesMax: 4 * 1024 * 1024,
  /** Batches of at least this size on average are added by XADDs in a transaction, not by Lua. */
  directBatchBytesMin: 16 * 1024,
  /** Bytes that such an append has at least. */
  directBytesMin: 64 * 1024,
  /** Appends that go through Lua after another writer has come in between. */
  plainAppendsAfterMove: 16,
  /** Bounds of a partition that nobody watches are asked again when older than this. */
  boundsFreshMs: 100,
  /** Counters that say how large batches are may be so old when a read is sized by them. */
  sizesFreshMs: 1_000,
  /** Entries that one trim step drops; each is read once, because its size has to be known. */
  trimEntriesMax: 256,
  /** Bytes after which a trim step ends; it may exceed them by one batch. */
  trimBytesMax: 4 * 1024 * 1024,
  /** Entries whose header one step of a search by time looks at, behind the bisection. */
  seekEntriesMax: 64,
  /** Producers that one eviction step looks at. */
  evictProducersMax: 500,
  /**
   * A producer whose last batch was deleted is remembered for so long after it wrote: longer than
   * clients go on sending a batch again (delivery.timeout.ms, two minutes by default).
   */
  producerBelowStartUnusedMs: 900_000,
  /** Bytes that a batch may have once decompressed, where its records have to be looked at. */
  decompressedBytesMax: 128 * 1024 * 1024,
} as const;

/** `partitionLimits`, with other values for tests. */
export type PartitionLimits = { readonly [Name in keyof typeof partitionLimits]: number };
