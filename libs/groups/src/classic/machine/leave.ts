import { ErrorCode } from '@sluice/wire';
import type { LeavingMember } from '../../api';
import type { GroupLimits } from '../../limits';
import type { Change } from './change';
import type { LeaveEvent } from './events';
import { staticMemberId } from './group';
import { checkMember } from './members';
import { dropMember, goOnWithoutPending, rebalanceWithoutThem } from './rebalance';
import { GroupState } from './states';

/** LeaveGroup: each member of the request has its own result, and at most one rebalance follows. */
export function leave(change: Change, event: LeaveEvent, limits: GroupLimits): void {
  if (change.group.state === GroupState.Dead) {
    const result = { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, members: [] };
    change.reply({ kind: 'leave', ticket: event.ticket, result });
    return;
  }
  const sizeBefore = change.group.members.size;
  const members = event.members.map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    errorCode: removeOne(change, member),
  }));
  const result = { errorCode: ErrorCode.NONE, members };
  change.reply({ kind: 'leave', ticket: event.ticket, result });
  if (change.group.members.size < sizeBefore) rebalanceWithoutThem(change, limits);
  else goOnWithoutPending(change, limits);
}

function removeOne(change: Change, leaving: LeavingMember): number {
  const { group } = change;
  const { groupInstanceId: instanceId } = leaving;
  if (group.pending.has(leaving.memberId)) {
    change.removePending(leaving.memberId);
    return ErrorCode.NONE;
  }
  // An admin names static members by their instance ids alone.
  const byInstance = leaving.memberId === '' && instanceId !== null;
  const memberId = byInstance ? (staticMemberId(group, instanceId) ?? '') : leaving.memberId;
  const errorCode = checkMember(group, { memberId, instanceId });
  if (errorCode !== ErrorCode.NONE) return errorCode;
  dropMember(change, group.members.get(memberId)!, ErrorCode.UNKNOWN_MEMBER_ID);
  return ErrorCode.NONE;
}
