/**
 * What a consumer needs of its membership in a group: a part of `MemberSession` in libs/groups,
 * where it is described.
 */

/** A partition that a member has, or had. */
export interface MemberPartition {
  topicId: string;
  topic: string;
  partition: number;
  /** Rises with each grant, over the whole life of the group. */
  ownerEpoch: number;
}

/** A partition that a member is given, with what the group has committed in it. */
export interface Grant extends MemberPartition {
  committed: { offset: number; lineage: number } | null;
}

/** What becomes of a member. */
export interface MemberListener {
  granted(grants: readonly Grant[]): void;
  /** To be let go once nothing of them is under way. */
  revoking(partitions: readonly MemberPartition[]): void;
  lost(partitions: readonly MemberPartition[]): void;
  /** Everything is lost, at once. */
  fenced(): void;
  /** The group does not take this member back. */
  refused(error: Error): void;
}

/** How far a member has come in a partition. */
export interface OwnOffset {
  topicId: string;
  partition: number;
  ownerEpoch: number;
  offset: number;
  leaderEpoch: number;
}

/** The lineages of what was committed; null for a partition that is not the member's. */
export type CommitOutcome =
  { outcome: 'committed'; lineages: (number | null)[] } | { outcome: 'fenced' };

export interface GroupSession {
  readonly memberId: string;
  /** Milliseconds since Redis last answered that this is a member. */
  readonly silentMs: number;
  join(): Promise<void>;
  leave(): Promise<void>;
  letGo(partitions: readonly MemberPartition[]): void;
  commit(offsets: readonly OwnOffset[]): Promise<CommitOutcome>;
  /** Whether the member surely has the partition at this moment. */
  holds(partition: MemberPartition): boolean;
}

/** Makes the membership of a consumer, which is told of what becomes of it. */
export type NewSession = (listener: MemberListener) => GroupSession;
