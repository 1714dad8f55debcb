/** Every bound of the group engine. Each may be overridden when the coordinator is made. */
export interface GroupLimits {
  /** Kafka's group.min.session.timeout.ms; below it INVALID_SESSION_TIMEOUT. */
  sessionTimeoutMsMin: number;
  /** Kafka's group.max.session.timeout.ms. */
  sessionTimeoutMsMax: number;
  /** A longer rebalance timeout is cut to this, so that no parked request waits longer. */
  rebalanceTimeoutMsMax: number;
  /**
   * Kafka's group.initial.rebalance.delay.ms: how long the first member of an empty group waits for
   * others. Kafka's own default of 3 s spares big fleets a chain of rebalances; a team that starts
   * three processes would only feel the wait. It is extended by the same time while members keep
   * arriving.
   */
  initialRebalanceDelayMs: number;
  /**
   * A new member whose JoinGroup has been parked this long is given up: it cannot heartbeat yet
   * (KAFKA-7610).
   */
  newMemberJoinTimeoutMs: number;
  /**
   * A rebalance for which only static members are left, and all are away, is looked at again after
   * the rebalance timeout, but not sooner than this.
   */
  absentMembersWaitMsMin: number;
  /**
   * A session that ends this much later than it should was held up together with the heartbeats,
   * by a gateway that was stopped for a while; it starts anew.
   */
  sessionLatenessMsMax: number;
  /**
   * Members of one group, and ids handed out that have not joined yet; beyond it
   * GROUP_MAX_SIZE_REACHED.
   */
  groupMembersMax: number;
  /**
   * Bytes of a member id, which is made of the client's or the instance's id; longer ones could not
   * be told to older clients.
   */
  memberIdBytesMax: number;
  /** Protocols that one member may offer. */
  protocolsPerMemberMax: number;
  /** Bytes of all of a member's protocol metadata together. */
  memberMetadataBytesMax: number;
  /** Bytes of one member's assignment. */
  memberAssignmentBytesMax: number;
  /**
   * Kafka's offset.metadata.max.bytes, which Kafka too compares with the number of characters
   * (UTF-16 code units).
   */
  offsetMetadataCharactersMax: number;
  /** Offsets written or read by one call to Redis. */
  offsetsPerCallMax: number;
  /**
   * Kafka's offsets.retention.minutes, in ms: counted from when the group became empty, or its last
   * commit.
   */
  offsetsRetentionMs: number;
  /** Requests of one group that wait their turn; beyond it COORDINATOR_NOT_AVAILABLE. */
  queuedRequestsPerGroupMax: number;
  /** A group that takes longer to load is answered COORDINATOR_LOAD_IN_PROGRESS meanwhile. */
  loadWaitMsMax: number;
  /** After a failed save or load a group that has members is read again after this time. */
  reloadDelayMs: number;
  /** A group that cannot be served (see quarantine.ts) is not tried again for this time. */
  quarantineMs: number;
  /** Groups in quarantine whose reasons are remembered; the oldest goes first. */
  quarantinedGroupsMax: number;
  /** Trouble with Redis is told to be over when there was none for this time. */
  troubleQuietMs: number;
  /** How often it is looked whether this gateway's session in the cluster still holds. */
  sessionLookMs: number;
  /** A group without members is forgotten (in memory) after this time without a request. */
  idleUnloadMs: number;
  /** Groups, and offsets of a group, that one step of a sweep looks at. */
  sweepStepCount: number;
  /** How often a member of a group with assignment by the server is heard of, unless it says so. */
  heartbeatIntervalMs: number;
  /** The session of such a member, unless it says so. */
  memberSessionTimeoutMs: number;
  /** How long such a member may take to let go what is revoked, unless it says so. */
  revokeTimeoutMs: number;
  /**
   * The part of its session that a member takes off, so that it counts itself out before Redis'
   * clock does, though one of the two clocks runs faster.
   */
  sessionMarginShare: number;
  /** Who is told to look for sessions that are over, and does not, leaves it to another then. */
  lookClaimMs: number;
  /** How often a change of a group is tried that others change at the same time. */
  changeAttemptsMax: number;
  /** Waits between those tries grow up to this. */
  changeDelayMsMax: number;
  /** Who sees older topics than its group for so long takes them for the newest. */
  topicsBehindMsMax: number;
  /** Topics and patterns of one subscription. */
  subscriptionEntriesMax: number;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const KiB = 1024;
const MiB = 1024 * KiB;

export const defaultGroupLimits: Readonly<GroupLimits> = {
  sessionTimeoutMsMin: 6 * second,
  sessionTimeoutMsMax: 30 * minute,
  rebalanceTimeoutMsMax: 24 * hour,
  initialRebalanceDelayMs: 200,
  newMemberJoinTimeoutMs: 5 * minute,
  absentMembersWaitMsMin: second,
  sessionLatenessMsMax: second,
  groupMembersMax: 1000,
  memberIdBytesMax: 32_767,
  protocolsPerMemberMax: 64,
  memberMetadataBytesMax: MiB,
  memberAssignmentBytesMax: MiB,
  offsetMetadataCharactersMax: 4096,
  offsetsPerCallMax: 1000,
  offsetsRetentionMs: 7 * 24 * hour,
  queuedRequestsPerGroupMax: 10_000,
  loadWaitMsMax: 5 * second,
  reloadDelayMs: second,
  quarantineMs: 10 * second,
  quarantinedGroupsMax: 1000,
  troubleQuietMs: 10 * second,
  sessionLookMs: second,
  idleUnloadMs: 5 * minute,
  sweepStepCount: 100,
  heartbeatIntervalMs: 3 * second,
  memberSessionTimeoutMs: 15 * second,
  revokeTimeoutMs: 5 * minute,
  sessionMarginShare: 0.02,
  lookClaimMs: second,
  changeAttemptsMax: 100,
  changeDelayMsMax: 50,
  topicsBehindMsMax: 10 * second,
  subscriptionEntriesMax: 1000,
};
