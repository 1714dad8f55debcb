/** Limits of the broker that are not settings: each buffer, queue and wait has its name here. */
export const limits = {
  /** Requests of one connection that may be under way at once; only Produce is ever pipelined. */
  pipelinedRequestsMax: 1_000,
  /** Frames of one connection that are parsed but not started; reading pauses beyond it. */
  queuedFramesMax: 1_000,
  /** How long one connection may start requests before others have their turn. */
  turnMsMax: 10,
  /**
   * Up to this size a request is small, and counts once it is there: a quarter of the bytes in
   * flight is for these, so that large requests do not keep them waiting.
   */
  smallFrameBytesMax: 256 * 1024,
  /** Up to this size it is medium: another quarter; half of the bytes in flight is for the rest. */
  mediumFrameBytesMax: 4 * 1024 * 1024,
  /**
   * From its arrival on, for how long the compressed batches of a produce request are opened; what
   * is left of it after that is answered with a retriable error. Also how long one batch may take
   * before the thread that is busy with it is ended.
   */
  examineMsMax: 5_000,
  /**
   * A compressed batch of at most so many bytes, which become at most so many, is opened on the
   * event loop; larger ones are opened on threads.
   */
  examineAtOnceBytesMax: 32 * 1024,
  examineAtOnceDecompressedBytesMax: 128 * 1024,
  /**
   * For how long such small batches are opened in one turn of the event loop; those that come after
   * that in the same turn are opened on threads too. One request may have thousands of them.
   */
  examineAtOnceMsMax: 50,
  /** Threads that open large batches; they are started when the first ones come. */
  examineThreadsMax: 2,
  /** Memory that goes between the event loop and one of these threads is kept up to this size. */
  examineMemoryBytesMax: 4 * 1024 * 1024,
  /**
   * Batches that were compressed anew and are not appended yet: beyond so many bytes of them no
   * further one is opened on a thread. They are not among the bytes in flight, and may be a
   * thousand times as large as what came.
   */
  repackedBytesMax: 64 * 1024 * 1024,
  /** Bytes of replies that wait in one socket before no further request of it is started. */
  unsentReplyBytesMax: 4 * 1024 * 1024,
  /**
   * A client that has taken nothing of its reply for so long is cut off; where others wait for
   * memory, also one that has not taken all of it.
   */
  replyStallMs: 60_000,
  /**
   * A frame whose bytes stop coming for so long closes its connection; where others wait for
   * memory, also one that has not come whole.
   */
  frameStallMs: 30_000,
  /** Either stall, where the connection holds memory that others wait for. */
  contendedStallMs: 5_000,
  /**
   * At a stop, how long a client that has its replies may take to end its side. One whose machine
   * is gone never does.
   */
  endAnswerMsMax: 2_000,
  /** How often connections are looked at for stalls. */
  connectionSweepMs: 1_000,
  /** Trouble of one kind, such as refused connections, is over when there was none for so long. */
  troubleQuietMs: 10_000,
  /** Bytes of fetch replies that all connections together may have unsent. */
  fetchReplyBytesMax: 256 * 1024 * 1024,
  /**
   * One reply takes at most a quarter of what is free of these, so that a few clients who do not
   * read cannot take all; but this much may be taken always.
   */
  fetchShareBytesMin: 1024 * 1024,
  /** How long a fetch waits for room in that budget before it answers with nothing. */
  fetchRoomWaitMs: 5_000,
  /** A fetch reply is never larger, whatever the client asks (one whole batch may exceed it). */
  fetchBytesMax: 55 * 1024 * 1024,
  /** The longest a fetch may wait for data, whatever the client asks. */
  fetchWaitMsMax: 60_000,
  /** Entries and bytes (estimated by the largest batch known) in one read from a stream. */
  readEntriesMax: 1_024,
  readBytesMax: 16 * 1024 * 1024,
  /**
   * What is read ahead for a sequential reader: so many portions, each of so many bytes at most;
   * and the portions that one partition may have ready for all its readers.
   */
  readAheadDepth: 2,
  readAheadBytesMax: 2 * 1024 * 1024,
  readAheadSlotsMax: 8,
  /** Bytes read ahead in the whole gateway. */
  readAheadTotalBytesMax: 64 * 1024 * 1024,
  /** While a fetch waits, the bounds are re-read this often, in case a wake-up was lost. */
  wakePollMs: 1_000,
  /** How often it is looked whether this gateway's session in the cluster still surely holds. */
  sessionLookMs: 250,
  /** Items of one admin request (topics, resources) that are worked on at the same time. */
  adminItemsAtOnceMax: 8,
  /** The longest an admin request may go on beginning items, whatever its client allows. */
  adminRequestMsMax: 120_000,
  /**
   * Producers of one partition that DescribeProducers tells, the latest; and those of all
   * partitions of a request, beyond which the other partitions are refused.
   */
  describedProducersMax: 10_000,
  describedProducersTotalMax: 100_000,
  /** Partitions in one answer to DescribeTopicPartitions (max.request.partition.size.limit). */
  describedPartitionsMax: 2_000,
  /** How long whoever makes a topic, or lets one grow, waits until its partitions have leaders. */
  placedWaitMs: 2_000,
  /** How old the leader epochs may be that clients are told of topics that others lead. */
  epochAgeMsMax: 500,
  /** Topics whose leader epochs are looked up at the same time; once known, they are remembered. */
  topicsAtOnceMax: 16,
  /**
   * Topics that one Metadata request may create by naming them; the others are answered
   * LEADER_NOT_AVAILABLE, upon which clients ask again.
   */
  autoCreatesPerRequestMax: 100,
  /** Topics that all Metadata requests may create one after the other, and in each second then. */
  autoCreatesBurstMax: 1_000,
  autoCreatesPerSecondMax: 10,
  /** Groups of one request (describe, delete, fetch offsets) that are asked at the same time. */
  groupsAtOnceMax: 16,
  /**
   * Groups, and partitions of all of them, whose lag is in the metrics; and how many of those
   * partitions Redis is asked for at the same time.
   */
  lagGroupsMax: 500,
  lagPartitionsMax: 10_000,
  lagPartitionsAtOnceMax: 200,
  /** Records of one page that is browsed, and how many it has where nobody says. */
  browseRecordsMax: 1_000,
  browseRecordsUsual: 100,
  /**
   * What one page looks at for records that pass its filter, at most: records, bytes of batches and
   * time. Then it ends with what it has found, and a cursor to go on.
   */
  browseScanRecordsMax: 200_000,
  browseScanBytesMax: 64 * 1024 * 1024,
  browseScanMsMax: 2_000,
  /** Bytes of a page's keys, values and headers, as they are told. */
  browseReplyBytesMax: 4 * 1024 * 1024,
  /** Partitions of one page or tail; of a topic with more, one is read at a time. */
  browsePartitionsMax: 256,
  /** Partitions of one page that are read at the same time. */
  browseReadsAtOnceMax: 8,
  /** A page's first read of a partition, and the largest one that follows. */
  browseReadBytesMin: 64 * 1024,
  browseReadBytesMax: 1024 * 1024,
  /** Pages that are browsed at the same time; others are refused for the moment. */
  browsesAtOnceMax: 16,
  /** Bytes of a key or a value that are told where nobody says, and at most. */
  toldBytesUsual: 64 * 1024,
  toldBytesMax: 1024 * 1024,
  /** Characters of one filter. */
  filterCharactersMax: 1_024,
  /** Characters of a cursor: it holds an offset of each partition of a page. */
  cursorCharactersMax: 16 * 1024,
  /** Records of one call to produce. */
  produceRecordsMax: 10_000,
  /** Bytes of the records of all such calls at the same time; others are refused for the moment. */
  produceBytesMax: 64 * 1024 * 1024,
  /** Headers of one record that is produced. */
  produceHeadersMax: 1_000,
  /** Characters of an Idempotency-Key. */
  idempotencyKeyCharactersMax: 255,
  /** Records that are tailed at the same time, by all readers. */
  tailsMax: 100,
  /** A tail says that it is alive after so long without an event. */
  tailHeartbeatMs: 15_000,
  /** A tail asks Redis again after so long where it could not be asked. */
  tailRetryMs: 1_000,
  /** A reader of a tail that takes nothing for so long is dropped. */
  tailStallMs: 30_000,
  /**
   * Over how long the rates of a partition are taken; twice that is within `partitionIdleMs`, so
   * that nothing is left of them when it leaves memory.
   */
  rateWindowMs: 30_000,
  /** A partition that was not touched for so long leaves memory (not Redis). */
  partitionIdleMs: 60_000,
  /** How often partitions are looked at for that. */
  idleSweepMs: 10_000,
} as const;
