/** Limits of the cluster of gateways; those that an operator may want to change are settings. */
export const clusterLimits = {
  /** How long a gateway that is not heard of still counts as being there. */
  sessionMs: 6_000,
  /** No session may be longer; one that ends later than this was written by another clock. */
  sessionMsMax: 300_000,
  /** Heartbeats in the time of a session. */
  heartbeatsPerSession: 6,
  /** A gateway stops trusting its session by this share of it before its end. */
  sureMarginShare: 0.08,
  /**
   * Where no gateway was heard of for this share of a session, it was Redis that was away, and all
   * have the time of a session to come back.
   */
  quietShare: 0.5,
  /** How often a start looks again at an id that another holds. */
  heldIdPollMs: 100,
  /** How often everything is read anew although nothing seems to be missing. */
  fullReadEveryMs: 300_000,
  /** Pause before the next attempt where the cluster could not be read. */
  readRetryMs: 250,
  /** Pause before a gateway that stops tells the others so once more, where Redis was away. */
  tellRetryMs: 50,
  /** The id of the first gateway that was given none. */
  firstBrokerId: 1,
  /** Fixed for ever: which slot a group falls into must be the same for all gateways. */
  coordinatorSlots: 50,
  /** Replicas of a partition that nobody has chosen any for. */
  replicasMax: 3,
  /** How often the controller looks whether leaders are spread evenly. */
  balanceEveryMs: 10_000,
  /** By how much of its share a broker may lead too much or too little, percent. */
  imbalancePercent: 10,
  /** The share of all partitions that one look moves, and how many it may move in any case. */
  movedShareMax: 0.25,
  movedMin: 100,
  /** A broker that has been gone for so long is no replica of what nobody has chosen it for. */
  brokerForgottenMs: 600_000,
  /** Topics in one call that assigns leaders, and characters of it. */
  assignTopicsMax: 100,
  assignCharactersMax: 128 * 1024,
  /** Calls that assign leaders and are under way together. */
  assignCallsMax: 4,
  /** How often a change of one topic's leaders starts again because another came first. */
  conflictsMax: 20,
} as const;

/** `clusterLimits`, with other values. */
export type ClusterLimits = { readonly [Name in keyof typeof clusterLimits]: number };
