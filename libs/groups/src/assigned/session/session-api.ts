import type { AssignorName } from '../assignors/assignor';
import type { GroupRefused } from '../group-refused';

/** How a member is to take part in its group; what is missing has a default. */
export interface MemberSettings {
  groupId: string;
  /** Names, or patterns for whole names. Topics that come later are taken when they are there. */
  topics: readonly (string | RegExp)[];
  /**
   * Makes a static member (KIP-345): it is not removed when it leaves, but when its session is
   * over, and whoever joins with the same id before takes its place with its partitions. Of two at
   * a time the later one is the member.
   */
  instanceId?: string;
  /** Shown to operators. */
  clientId?: string;
  /** Shown to operators. Default: the name of this machine. */
  clientHost?: string;
  /** That which most members want decides. Default: `sticky`. */
  assignor?: AssignorName;
  sessionTimeoutMs?: number;
  heartbeatIntervalMs?: number;
  /** How long the member may take to let go what is revoked, before it is removed. */
  revokeTimeoutMs?: number;
}

/** A partition that a member has, or had. */
export interface MemberPartition {
  topicId: string;
  topic: string;
  partition: number;
  /** Rises with each grant, over the whole life of the group, whatever becomes of it in between. */
  ownerEpoch: number;
}

/** A partition that a member is given. */
export interface Grant extends MemberPartition {
  /** What the group had committed when it was given; null where nothing. */
  committed: { offset: number; leaderEpoch: number; lineage: number } | null;
}

/** What becomes of a member. Must not throw; nothing that it does is waited for. */
export interface MemberListener {
  /** They are this member's from now on. */
  granted(grants: readonly Grant[]): void;
  /**
   * They are to go to another member, which gets them when this one has let go. Nothing new is to
   * be begun; what is under way may be finished and committed; then `MemberSession.letGo`.
   */
  revoking(partitions: readonly MemberPartition[]): void;
  /**
   * They are no longer this member's, at once: their topic was deleted, or Redis has lost the
   * grant. Nothing of it can be acknowledged or committed any more.
   */
  lost(partitions: readonly MemberPartition[]): void;
  /** Everything is lost, at once. The session joins again by itself. */
  fenced(): void;
  /** The group does not take this member back. The session is over until `join` is called again. */
  refused(error: GroupRefused): void;
}

/**
 * What became of a commit: in the order asked for the lineage of each offset, null where the
 * partition is not this member's in that owner epoch, so that nothing was written for it. An offset
 * keeps its lineage; the first of a partition gets a new one.
 */
export type CommitOutcome =
  { outcome: 'committed'; lineages: (number | null)[] } | { outcome: 'fenced' };
