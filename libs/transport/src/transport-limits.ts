/** Limits of servers of streams. */
export const transportLimits = {
  /** Lanes that a handler may ask for in each partition. */
  concurrencyMax: 1_000,
  /** Records that a handler may ask for at once. */
  batchSizeMax: 10_000,
  /**
   * Records of a partition that are acknowledged and handed over before they are handled, at most
   * once: a kill takes so many, or two batches where these are more. The fewer, the more often
   * Redis is told before the next are handed over.
   */
  atMostOnceRecordsMax: 64,
  /** Characters of an error's name that a dead letter carries. */
  errorNameLengthMax: 200,
  /** Characters of an error's message that a dead letter carries. */
  errorMessageLengthMax: 2_000,
  /** Characters of an error's stack that a dead letter carries. */
  errorStackLengthMax: 8_000,
  /** Causes of an error that a dead letter tells of. */
  errorCausesMax: 5,
  /** Answers that may be on their way to Redis while the next requests are handled. */
  answersOnTheirWayMax: 100,
  /** The first wait before a write to a dead-letter or retry topic is tried again. */
  sideTopicDelayMs: 100,
  /** The longest of these waits. */
  sideTopicDelayMsMax: 10_000,
  /** Characters of an error's message in a dead letter that would be too large otherwise. */
  shortErrorMessageLengthMax: 200,
  /** The first wait before records are tried again after a fault of the server itself. */
  faultDelayMs: 1_000,
  /** The longest of these waits. */
  faultDelayMsMax: 30_000,
};
