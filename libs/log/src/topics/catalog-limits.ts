/** Limits of the topic catalogue and of its sweeper. */
export const catalogLimits = {
  /** Kafka's limit, which leaves room for a partition's number in a file name. */
  topicNameCharsMax: 249,
  partitionsPerTopicMax: 10_000,
  /**
   * Over all topics. Gateways that create topics at the same moment may together exceed it a
   * little.
   */
  partitionsTotalMax: 100_000,
  /** Partitions that are made, or unlinked, in one round trip. */
  partitionsPerStepMax: 128,
  /** How long a topic's creation may take; partitions of one that took longer are swept. */
  intentGraceMs: 60_000,
  /** How often the registry's version is compared, in case a notice of a change was lost. */
  pollMs: 1_000,
  /**
   * How often a change is sent when it stays unknown whether it was made; every script allows it.
   */
  writeAttemptsMax: 3,
  /** Pause before the next of these attempts; time for the connection to come back. */
  writeRetryMs: 200,
  /** How often a change of a topic starts again because another change came first. */
  conflictsMax: 50,
  /** Deleted topics that the sweeper takes at a time. */
  sweepEntriesMax: 16,
} as const;

/** `catalogLimits`, with other values for tests. */
export type CatalogLimits = { readonly [Name in keyof typeof catalogLimits]: number };
