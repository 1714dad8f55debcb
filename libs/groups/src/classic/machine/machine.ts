import { ErrorCode } from '@sluice/wire';
import type { GroupLimits } from '../../limits';
import { Change } from './change';
import type { CommitEvent, GroupEvent, HeartbeatEvent, Step, TimerEvent } from './events';
import { type Group, rebalanceTimeoutMs } from './group';
import { join } from './join';
import { leave } from './leave';
import { checkGeneration, touch } from './members';
import {
  dropMember,
  goOnWithoutPending,
  rebalanceTimeout,
  rebalanceWithoutThem,
  syncTimeout,
} from './rebalance';
import { GroupState } from './states';
import { sync } from './sync';

/**
 * The classic group protocol as a function: a group and what happens to it give the group as it is
 * then, the answers, and the timers to set. It touches nothing, waits for nothing and draws no
 * random numbers.
 */
export function step(group: Group, event: GroupEvent, limits: GroupLimits): Step {
  const change = new Change(group);
  switch (event.kind) {
    case 'join':
      join(change, event, limits);
      break;
    case 'sync':
      sync(change, event, limits);
      break;
    case 'heartbeat':
      heartbeat(change, event);
      break;
    case 'leave':
      leave(change, event, limits);
      break;
    case 'commit':
      commit(change, event);
      break;
    case 'delete':
      remove(change, event.ticket);
      break;
    case 'timer':
      timeout(change, event, limits);
      break;
  }
  return change.finish();
}

/**
 * The timers of a group that was read from the store. Sessions start anew in full, for nobody could
 * be heard while the group was not in memory. Requests that were parked are gone: in a rebalance
 * the members ask again, and the timers remove those who do not.
 */
export function recover(stored: Group): Step {
  const change = new Change(stored);
  for (const member of stored.members.values()) {
    change.restartSession(member);
    if (stored.state === GroupState.CompletingRebalance) change.put({ ...member, owesSync: true });
  }
  for (const [memberId, sessionTimeoutMs] of stored.pending) {
    change.setTimer(`pending/${memberId}`, sessionTimeoutMs);
  }
  const longestMs = rebalanceTimeoutMs(stored);
  if (stored.state === GroupState.PreparingRebalance) change.setTimer('rebalance', longestMs);
  if (stored.state === GroupState.CompletingRebalance) change.setTimer('sync', longestMs);
  return change.finish();
}

function heartbeat(change: Change, event: HeartbeatEvent): void {
  const { group } = change;
  const errorCode =
    group.state === GroupState.Dead
      ? ErrorCode.COORDINATOR_NOT_AVAILABLE
      : checkGeneration(group, event);
  if (errorCode !== ErrorCode.NONE) {
    change.replyPlain(event.ticket, errorCode);
    return;
  }
  touch(change, group.members.get(event.memberId)!);
  const isRebalancing = group.state === GroupState.PreparingRebalance;
  change.replyPlain(event.ticket, isRebalancing ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE);
}

/**
 * Whether a commit may be written. Members commit in their generation, others only where there are
 * no members: there, whoever names no generation is let in, whatever else it says, because clients
 * that assign their partitions themselves still send the instance id that they are configured with.
 */
function commit(change: Change, event: CommitEvent): void {
  const { group } = change;
  if (group.state === GroupState.Dead) {
    change.replyPlain(event.ticket, ErrorCode.COORDINATOR_NOT_AVAILABLE);
    return;
  }
  if (event.generationId < 0 && group.state === GroupState.Empty) {
    change.replyPlain(event.ticket, ErrorCode.NONE);
    return;
  }
  const errorCode = checkGeneration(group, event);
  if (errorCode === ErrorCode.NONE) touch(change, group.members.get(event.memberId)!);
  const isAssigning = group.state === GroupState.CompletingRebalance;
  change.replyPlain(
    event.ticket,
    errorCode === ErrorCode.NONE && isAssigning ? ErrorCode.REBALANCE_IN_PROGRESS : errorCode,
  );
}

function remove(change: Change, ticket: number): void {
  switch (change.group.state) {
    case GroupState.Empty:
      for (const memberId of change.group.pending.keys()) change.removePending(memberId);
      change.enter(GroupState.Dead);
      change.replyPlain(ticket, ErrorCode.NONE);
      return;
    case GroupState.Dead:
      change.replyPlain(ticket, ErrorCode.GROUP_ID_NOT_FOUND);
      return;
    default:
      change.replyPlain(ticket, ErrorCode.NON_EMPTY_GROUP);
  }
}

function timeout(change: Change, { timer }: TimerEvent, limits: GroupLimits): void {
  if (timer === 'rebalance') {
    rebalanceTimeout(change, limits);
  } else if (timer === 'sync') {
    syncTimeout(change, limits);
  } else if (timer.startsWith('session/')) {
    sessionTimeout(change, timer.slice('session/'.length), limits);
  } else {
    change.removePending(timer.slice('pending/'.length));
    goOnWithoutPending(change, limits);
  }
}

function sessionTimeout(change: Change, memberId: string, limits: GroupLimits): void {
  const member = change.group.members.get(memberId);
  if (member === undefined) return;
  const isParked = member.joinTicket !== null || member.syncTicket !== null;
  if (isParked && !member.isNew) return;
  dropMember(change, member, ErrorCode.UNKNOWN_MEMBER_ID);
  rebalanceWithoutThem(change, limits);
}
