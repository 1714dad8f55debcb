/** Bounds of what one call may ask of Redis, so that no script blocks it for long. */
export const partitionLimits = {
  /** Partitions whose sizes are asked for in one round trip. */
  sizesAtOnceMax: 500,
  /** Batches and bytes of one append call: a script blocks Redis while it runs. */
  appendBatchesMax: 1_000,
  appendBytesMax: 4 * 1024 * 1024,
  /** Batches of at least this size on average are added by XADDs in a transaction, not by Lua. */
  directBatchBytesMin: 16 * 1024,
  /** Bytes that such an append has at least. */
  directBytesMin: 64 * 1024,
  /**
   * Share of the last appends before which others have written in between, beyond which Lua costs
   * less than to send bytes in vain; and how many appends that looks back on.
   */
  directMissShareMax: 0.4,
  directMissMemory: 8,
  /** Bounds of a partition that nobody watches are asked again when older than this. */
  boundsFreshMs: 100,
  /** Counters that say how large batches are may be so old when a read is sized by them. */
  sizesFreshMs: 1_000,
  /** Bytes and batches that one trim step drops in whole spans, but at least one span. */
  trimSpanBytesMax: 16 * 1024 * 1024,
  trimSpanBatchesMax: 50_000,
  /**
   * Bytes and batches of a trim step that has to look at each of them, but at least one batch: Lua
   * is given a copy of each.
   */
  trimReadBytesMax: 384 * 1024,
  trimReadBatchesMax: 128,
  /** Entries whose header one step of a search by time looks at, behind the bisection. */
  seekEntriesMax: 64,
  /** Producers that one eviction step looks at. */
  evictProducersMax: 500,
  /** Producers that one step of describing them reads. */
  describeProducersStep: 500,
  /**
   * A producer whose last batch was deleted is remembered for so long after it wrote: longer than
   * clients go on sending a batch again (delivery.timeout.ms, two minutes by default).
   */
  producerBelowStartUnusedMs: 900_000,
  /**
   * Redis is taken to lose at most what it was given so long before it stopped: with `everysec` a
   * second, and up to two more where its disk is slow; with replicas, as far as they are behind.
   */
  lossMsMax: 3_000,
  /** How often a process that writes says that it is still there. */
  writerSeenEveryMs: 30_000,
  /** One that has not said so for this long was killed: nothing more comes of it. */
  writerGoneMs: 300_000,
  /** After a change of Redis' history, how long the others that write are waited for. */
  writersBackMs: 3_000,
  /** What nobody has confirmed for so long, whoever sees it has confirmed. */
  confirmStaleMs: 1_000,
  /** The pause before what could not be confirmed is tried again. */
  confirmAgainMs: 1_000,
  /** Offsets of a new partition that are kept free beyond its log end, and again so many. */
  reservedOffsetsFirst: 4 * 1024 * 1024,
  /** The same of a partition with little traffic. */
  reservedOffsetsMin: 8 * 1024,
  /** The same of all where Redis keeps snapshots only, and may lose what came since the last. */
  reservedOffsetsOfSnapshots: 1024 * 1024 * 1024,
  /** How often an append waits for more offsets to be free before it is refused. */
  reservationWaitsMax: 3,
  /** Producer ids that are left out after a loss: more than can be given out in `lossMsMax`. */
  producerIdsSkipped: 1_000_000_000,
  /** Leader epochs that a partition remembers. */
  leaderEpochsMax: 64,
  /**
   * Requests with an Idempotency-Key are remembered for so long, but no longer than producers are
   * (`producer.id.expiration.ms`); and so many of them, of which the oldest go first.
   */
  idempotencyKeptMs: 12 * 3_600_000,
  idempotencyCountMax: 100_000,
  /**
   * None is forgotten for want of room before it is so old: the request may still be on its way.
   * Where all are younger, further ones are refused.
   */
  idempotencyKeptMsMin: 60_000,
  /** Remembered requests that a new one forgets, at most. */
  idempotencyForgottenMax: 100,
  /** Partitions that are looked after at the same time. */
  careAtOnceMax: 8,
  /** A partition whose offsets last so long needs fewer of them free. */
  settleQuietMs: 540_000,
  /** Topics whose leader epochs are remembered. */
  epochTopicsMax: 100_000,
  /** Partitions that are made ready at the same time after a loss, or looked after. */
  recoverPartitionsMax: 200,
  /** How often a server on which partitions are missing is looked at, whether it was emptied. */
  emptiedLookEveryMs: 1_000,
  /** How often the log tells how far that is. */
  recoverProgressMs: 5_000,
  /** Bytes that a batch may have once decompressed, where its records have to be looked at. */
  decompressedBytesMax: 128 * 1024 * 1024,
} as const;

/** `partitionLimits`, with other values for tests. */
export type PartitionLimits = { readonly [Name in keyof typeof partitionLimits]: number };
