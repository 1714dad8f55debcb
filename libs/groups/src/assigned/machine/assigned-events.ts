import type { AssignorName } from '../assignors/assignor';
import type { AssignedGroup, Subscription, TopicsSeen } from './assigned-group';

/** What happens to a group. One may be put in again when nobody knows whether it got through. */
export type AssignedEvent = JoinEvent | ReleaseEvent | LeaveEvent | RemoveEvent | LookEvent;

/**
 * A process joins, or joins again after its session was over: whatever it had, it has given up. One
 * with the instance id of a member takes that one's place.
 */
export interface JoinEvent {
  kind: 'join';
  /** Made by the process itself, and the same each time. */
  memberId: string;
  /**
   * It has been a member before, in this same session. Then another process that has come with its
   * instance id meanwhile is the later one, and stays.
   */
  isReturn: boolean;
  instanceId: string | null;
  clientId: string;
  clientHost: string;
  subscription: Subscription;
  assignor: AssignorName;
  sessionTimeoutMs: number;
  revokeTimeoutMs: number;
}

/** A member has let go of partitions, and asks what it is to have. */
export interface ReleaseEvent {
  kind: 'release';
  memberId: string;
  memberEpoch: number;
  /** A partition that it no longer has in this epoch is passed over. */
  released: readonly { key: string; ownerEpoch: number }[];
}

export interface LeaveEvent {
  kind: 'leave';
  memberId: string;
  memberEpoch: number;
}

/** An operator takes members out. A process that is alive joins again. */
export interface RemoveEvent {
  kind: 'remove';
  members: readonly MemberName[];
}

/** A member as an operator names it: by its id, by its instance, or by both. */
export interface MemberName {
  /** Empty where the instance is to say who it is. */
  memberId: string;
  instanceId: string | null;
}

/** `unknown`: there is none. `fenced`: another process has the instance by now. */
export type Removal = 'removed' | 'unknown' | 'fenced';

/** Somebody looks whether sessions are over, or topics have changed. */
export interface LookEvent {
  kind: 'look';
}

/** What the machine has to know of the world. */
export interface StepContext {
  /** Redis' time when the group was read, µs since 1970. */
  nowMicros: number;
  /** All topics; null where whoever makes the step does not know them. */
  topics: TopicsSeen | null;
  membersMax: number;
}

/** A partition that a member has. */
export interface HeldPartition {
  topicId: string;
  topic: string;
  partition: number;
  ownerEpoch: number;
  /** It is to be let go. */
  isRevoked: boolean;
}

/** What a member is told. */
export interface MemberView {
  memberEpoch: number;
  revision: number;
  partitions: HeldPartition[];
  /** Milliseconds in which it must have let go what is revoked; null where nothing is. */
  revokeWithinMs: number | null;
}

export type Outcome =
  | { kind: 'member'; view: MemberView }
  /** It is no member, or not in this epoch. */
  | { kind: 'fenced' }
  | { kind: 'full' }
  /** Another process has joined with the same instance id. */
  | { kind: 'replaced' }
  /** One for each member that was named, in that order. */
  | { kind: 'removed'; removals: Removal[] }
  | { kind: 'done' };

/** What follows from an event. What is to be stored must be before anybody is told the outcome. */
export interface AssignedStep {
  group: AssignedGroup;
  outcome: Outcome;
  /** Members that are told something else than before, or are none any more. */
  affected: string[];
}
