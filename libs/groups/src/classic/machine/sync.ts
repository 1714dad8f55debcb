import { ErrorCode } from '@sluice/wire';
import type { GroupLimits } from '../../limits';
import { syncAnswer, syncRefusal } from './answers';
import type { Change } from './change';
import type { SyncEvent } from './events';
import { type Group, type Member, noBytes } from './group';
import { checkGeneration, touch } from './members';
import { cancelSyncTimerIfDone } from './rebalance';
import { GroupState } from './states';
import { consumerProtocolType, emptyConsumerAssignment } from './subscription';

/** SyncGroup: a barrier at which followers wait for the leader's assignment. */
export function sync(change: Change, event: SyncEvent, limits: GroupLimits): void {
  const { group } = change;
  const errorCode = checkSync(group, event, limits);
  if (errorCode !== ErrorCode.NONE) {
    change.replySync(event.ticket, syncRefusal(errorCode));
    return;
  }
  const member = group.members.get(event.memberId)!;
  switch (group.state) {
    case GroupState.PreparingRebalance:
      change.replySync(event.ticket, syncRefusal(ErrorCode.REBALANCE_IN_PROGRESS));
      touch(change, member);
      return;
    case GroupState.CompletingRebalance:
      park(change, member, event.ticket);
      if (group.leaderId === member.memberId) assign(change, event);
      return;
    default:
      change.put({ ...member, owesSync: false });
      change.replySync(event.ticket, syncAnswer(group, member.assignment));
      touch(change, member);
      cancelSyncTimerIfDone(change);
  }
}

function checkSync(group: Group, event: SyncEvent, limits: GroupLimits): number {
  if (group.state === GroupState.Dead) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const errorCode = checkGeneration(group, event);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  const otherType = event.protocolType !== null && event.protocolType !== group.protocolType;
  const otherName = event.protocolName !== null && event.protocolName !== group.protocolName;
  if (group.state !== GroupState.PreparingRebalance && (otherType || otherName)) {
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  }
  const tooLong = event.assignments.some(
    ({ assignment }) => assignment.length > limits.memberAssignmentBytesMax,
  );
  return tooLong ? ErrorCode.INVALID_REQUEST : ErrorCode.NONE;
}

function park(change: Change, member: Member, ticket: number): void {
  const free = change.refuseParked(member, ErrorCode.REBALANCE_IN_PROGRESS);
  change.put({ ...free, syncTicket: ticket, owesSync: false });
  change.cancelTimer(`session/${member.memberId}`);
}

/**
 * The leader's assignment: everybody who waits is answered. Names of strangers in it are passed
 * over.
 */
function assign(change: Change, event: SyncEvent): void {
  const shares = new Map(
    event.assignments.map(({ memberId, assignment }) => [memberId, assignment]),
  );
  const isConsumers = change.group.protocolType === consumerProtocolType;
  const nothing = isConsumers ? emptyConsumerAssignment : noBytes;
  change.enter(GroupState.Stable);
  for (const member of change.group.members.values()) {
    const share = shares.get(member.memberId) ?? noBytes;
    const assignment = share.length === 0 ? nothing : share;
    change.put({ ...member, assignment, syncTicket: null });
    if (member.syncTicket === null) continue;
    change.replySync(member.syncTicket, syncAnswer(change.group, assignment));
    change.restartSession(member);
  }
  cancelSyncTimerIfDone(change);
}
