/**
 * What the broker asks of the groups, and what it gets back: plain objects with Kafka's field names
 * and error codes. Nothing here knows the wire format; null stands for "not given" in every
 * version.
 */

/** A protocol (an assignor, for consumers) that a member offers, best first. */
export interface GroupProtocol {
  name: string;
  metadata: Buffer;
}

export interface JoinRequest {
  groupId: string;
  /** Empty when the client has no member id yet. */
  memberId: string;
  /** Set for static members (KIP-345). */
  groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  protocolType: string;
  protocols: GroupProtocol[];
  sessionTimeoutMs: number;
  /**
   * -1: the session timeout is taken, as for JoinGroup v0. With 0 a group waits for nobody, and a
   * new member is removed before it can sync, as in Kafka.
   */
  rebalanceTimeoutMs: number;
  /** JoinGroup v4 and up: a new member gets MEMBER_ID_REQUIRED and an id first (KIP-394). */
  requireKnownMemberId: boolean;
  /**
   * JoinGroup v9 and up: a returning static leader may be told to skip the assignment (KIP-814).
   */
  supportsSkippingAssignment: boolean;
  reason?: string | null;
}

export interface JoinResultMember {
  memberId: string;
  groupInstanceId: string | null;
  metadata: Buffer;
}

export interface JoinResult {
  errorCode: number;
  /** -1 with an error. */
  generationId: number;
  protocolType: string | null;
  /** Empty with an error. */
  protocolName: string;
  /** The leader's member id; empty with an error. */
  leader: string;
  skipAssignment: boolean;
  memberId: string;
  /** Only the leader is told the members. */
  members: JoinResultMember[];
}

export interface SyncRequest {
  groupId: string;
  memberId: string;
  groupInstanceId: string | null;
  generationId: number;
  /** SyncGroup v5 and up; compared with the group's when given. */
  protocolType: string | null;
  protocolName: string | null;
  /** From the leader only; what others send is not looked at. */
  assignments: { memberId: string; assignment: Buffer }[];
}

export interface SyncResult {
  errorCode: number;
  protocolType: string | null;
  protocolName: string | null;
  assignment: Buffer;
}

export interface HeartbeatRequest {
  groupId: string;
  memberId: string;
  groupInstanceId: string | null;
  generationId: number;
}

export interface HeartbeatResult {
  errorCode: number;
}

export interface LeavingMember {
  /** May be empty when the instance id names a static member. */
  memberId: string;
  groupInstanceId: string | null;
  reason?: string | null;
}

export interface LeaveRequest {
  groupId: string;
  members: LeavingMember[];
}

export interface LeaveResult {
  errorCode: number;
  /** One for each member of the request, in its order; empty when errorCode is set. */
  members: { memberId: string; groupInstanceId: string | null; errorCode: number }[];
}

export interface OffsetToCommit {
  topicId: string;
  topic: string;
  partition: number;
  offset: number;
  /** -1 when the client does not know it. */
  leaderEpoch: number;
  metadata: string | null;
}

export interface CommitRequest {
  groupId: string;
  /** -1 with an empty member id: a consumer that assigns its partitions itself, or an admin. */
  generationId: number;
  memberId: string;
  groupInstanceId: string | null;
  offsets: OffsetToCommit[];
}

export interface PartitionResult {
  topicId: string;
  topic: string;
  partition: number;
  errorCode: number;
}

export interface CommitResult {
  /** The refusal of the whole commit, or 0. */
  errorCode: number;
  /**
   * One for each offset of the request, in its order; a refusal of the whole is repeated in each.
   */
  partitions: PartitionResult[];
}

export interface FetchOffsetsRequest {
  groupId: string;
  /**
   * Not looked at: classic groups do not check who reads (member ids came with OffsetFetch v9 for
   * KIP-848).
   */
  memberId?: string | null;
  memberEpoch?: number;
  /** null asks for everything the group has committed. */
  partitions: { topicId: string; partition: number }[] | null;
}

export interface CommittedOffset {
  topicId: string;
  partition: number;
  /** -1 when nothing is committed. */
  offset: number;
  /** -1 when not known. */
  leaderEpoch: number;
  /** Empty when none was given. */
  metadata: string;
  /**
   * Rises whenever somebody else than the partition's owner, by its own acknowledgements, sets the
   * offset; 0 when nothing is committed, or was by a version that knew no lineages.
   */
  lineage: number;
}

export interface FetchOffsetsResult {
  errorCode: number;
  offsets: CommittedOffset[];
}

export interface DescribedMember {
  memberId: string;
  groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  /** Metadata and assignment are empty unless the group is Stable, as in Kafka. */
  memberMetadata: Buffer;
  memberAssignment: Buffer;
}

export interface GroupDescription {
  /**
   * GROUP_ID_NOT_FOUND for a group that does not exist: DescribeGroups v6 sends it on; up to v5 the
   * handler answers no error, the state "Dead" says it. UNKNOWN_SERVER_ERROR for one that cannot be
   * served because of what is stored of it.
   */
  errorCode: number;
  /** What is wrong with a group that cannot be served. */
  errorMessage: string | null;
  groupId: string;
  groupState: GroupStateName;
  protocolType: string;
  /** The chosen protocol; empty unless the group is Stable. */
  protocolData: string;
  members: DescribedMember[];
}

/** The names that DescribeGroups and ListGroups use; Unknown is a group that cannot be read. */
export type GroupStateName =
  | 'Empty'
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  /** Of groups with assignment by the server: partitions are on their way between members. */
  | 'Reconciling'
  | 'Stable'
  | 'Dead'
  | 'Unknown';

export interface ListedGroup {
  groupId: string;
  protocolType: string;
  groupState: GroupStateName;
  /** `consumer`: with assignment by the server, as Kafka calls it since KIP-848. */
  groupType: 'classic' | 'consumer';
}

export interface ListGroupsRequest {
  /** No filter when missing or empty; names are compared without regard to case, as in Kafka. */
  states?: string[] | null;
  types?: string[] | null;
}

export interface ListGroupsResult {
  errorCode: number;
  groups: ListedGroup[];
}

export interface DeleteOffsetsRequest {
  groupId: string;
  partitions: { topicId: string; topic: string; partition: number }[];
}

export interface DeleteOffsetsResult {
  errorCode: number;
  partitions: PartitionResult[];
}
