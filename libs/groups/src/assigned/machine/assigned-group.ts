import type { AssignorName } from '../assignors/assignor';

/** A pattern for whole names of topics: a regular expression of JavaScript. */
export interface TopicPattern {
  readonly source: string;
  readonly flags: string;
}

/** What a member wants to read. */
export interface Subscription {
  readonly topics: readonly string[];
  readonly patterns: readonly TopicPattern[];
}

/** A member. Values are never changed in place: a change makes a new object. */
export interface AssignedMember {
  readonly memberId: string;
  /** Set for static members (KIP-345). */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Given when it joined. It rises over the whole life of the group. */
  readonly epoch: number;
  /** Rises whenever what the member is told changes. */
  readonly revision: number;
  readonly subscription: Subscription;
  readonly assignor: AssignorName;
  readonly sessionTimeoutMs: number;
  /** How long it may take to let go what is revoked. */
  readonly revokeTimeoutMs: number;
  /** When its session ends unless it is heard of, by Redis' clock. Heartbeats move it. */
  readonly untilMs: number;
  /** When it must have let go what is revoked, by Redis' clock; null where nothing is. */
  readonly revokeByMs: number | null;
  /** The partitions that it is to have in the end, as `partitionKey` names them. */
  readonly target: ReadonlySet<string>;
}

/** Who has a partition. */
export interface Owner {
  readonly memberId: string;
  /** Given with the grant. It rises over the whole life of the group. */
  readonly ownerEpoch: number;
}

/** A topic that somebody subscribes to. */
export interface KnownTopic {
  readonly name: string;
  readonly partitions: number;
}

/** Topics by their ids, as they were at a version of the topics' registry. */
export interface TopicsSeen {
  readonly version: number;
  readonly byId: ReadonlyMap<string, KnownTopic>;
}

/** A group as a value. */
export interface AssignedGroup {
  readonly groupId: string;
  /** The last number that was given out as an epoch, of members, grants or revisions. */
  readonly epoch: number;
  /** The topics that the targets were made for: those that somebody subscribes to. */
  readonly topics: TopicsSeen;
  /** By member id. */
  readonly members: ReadonlyMap<string, AssignedMember>;
  /** By partition key; a partition that nobody has is not in it. */
  readonly owners: ReadonlyMap<string, Owner>;
}

/** `empty`: no members. `stable`: everybody has what it is to have. */
export type AssignedState = 'empty' | 'reconciling' | 'stable';

/** A group that has nothing yet. */
export function newAssignedGroup(groupId: string, epoch = 0): AssignedGroup {
  return {
    groupId,
    epoch,
    topics: { version: -1, byId: new Map() },
    members: new Map(),
    owners: new Map(),
  };
}

/** How a group stands. */
export function stateOf(group: AssignedGroup): AssignedState {
  if (group.members.size === 0) return 'empty';
  let wanted = 0;
  for (const { memberId, target } of group.members.values()) {
    wanted += target.size;
    for (const key of target) {
      if (group.owners.get(key)?.memberId !== memberId) return 'reconciling';
    }
  }
  return wanted === group.owners.size ? 'stable' : 'reconciling';
}
