import type { GroupProtocol, JoinResult, LeaveResult, LeavingMember, SyncResult } from '../../api';
import type { Group, TimerId } from './group';

/**
 * What happens to a group. A ticket is the caller's number for a request; its answer comes as a
 * reply with the same ticket, in this step or, for a parked request, in a later one.
 */
export type GroupEvent =
  JoinEvent | SyncEvent | HeartbeatEvent | LeaveEvent | CommitEvent | DeleteEvent | TimerEvent;

export interface JoinEvent {
  kind: 'join';
  ticket: number;
  memberId: string;
  /**
   * The id to use if this turns out to be a new member; made by the caller, so that nothing here is
   * random.
   */
  newMemberId: string;
  instanceId: string | null;
  clientId: string;
  clientHost: string;
  protocolType: string;
  protocols: readonly GroupProtocol[];
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  requireKnownMemberId: boolean;
  supportsSkippingAssignment: boolean;
}

export interface SyncEvent {
  kind: 'sync';
  ticket: number;
  memberId: string;
  instanceId: string | null;
  generationId: number;
  protocolType: string | null;
  protocolName: string | null;
  assignments: readonly { memberId: string; assignment: Buffer }[];
}

export interface HeartbeatEvent {
  kind: 'heartbeat';
  ticket: number;
  memberId: string;
  instanceId: string | null;
  generationId: number;
}

export interface LeaveEvent {
  kind: 'leave';
  ticket: number;
  members: readonly LeavingMember[];
}

/** Asks whether a commit is allowed; the offsets themselves are not the machine's business. */
export interface CommitEvent {
  kind: 'commit';
  ticket: number;
  memberId: string;
  instanceId: string | null;
  generationId: number;
}

export interface DeleteEvent {
  kind: 'delete';
  ticket: number;
}

export interface TimerEvent {
  kind: 'timer';
  timer: TimerId;
}

/** The answer to one request. */
export type Reply =
  | { kind: 'join'; ticket: number; result: JoinResult }
  | { kind: 'sync'; ticket: number; result: SyncResult }
  | { kind: 'leave'; ticket: number; result: LeaveResult }
  | { kind: 'plain'; ticket: number; result: { errorCode: number } };

/** Sets a timer (anew, if it runs), or cancels it when delayMs is null. */
export interface TimerChange {
  timer: TimerId;
  delayMs: number | null;
}

/**
 * What follows from an event. If `group` differs from what it was in anything that is stored, it
 * must be stored before the replies go out and the timers are changed.
 */
export interface Step {
  group: Group;
  replies: Reply[];
  timers: TimerChange[];
}
