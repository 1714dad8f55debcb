import { ErrorCode } from '@sluice/wire';
import type { GroupLimits } from '../../limits';
import { joinAnswer, joinRefusal } from './answers';
import type { Change } from './change';
import type { JoinEvent } from './events';
import { type Group, type Member, noBytes, sameProtocols, staticMemberId } from './group';
import { checkMember, touch } from './members';
import { chooseProtocol, sameSubscription, supportsProtocols } from './protocols';
import { dropMember, rebalance, rebalanceWithoutThem } from './rebalance';
import { GroupState } from './states';

/**
 * JoinGroup. The answer to a join that is not refused or answered here comes when the generation
 * begins.
 */
export function join(change: Change, event: JoinEvent, limits: GroupLimits): void {
  const { group } = change;
  const errorCode = checkJoin(group, event, limits);
  if (errorCode !== ErrorCode.NONE) {
    change.replyJoin(event.ticket, joinRefusal(errorCode, event.memberId));
  } else if (!hasRoom(group, event, limits)) {
    turnAway(change, event, limits);
  } else if (event.memberId === '') {
    newMember(change, event, limits);
  } else if (group.pending.has(event.memberId) && event.instanceId === null) {
    change.removePending(event.memberId);
    add(change, event, event.memberId, limits);
  } else {
    knownMember(change, event, limits);
  }
}

function checkJoin(group: Group, event: JoinEvent, limits: GroupLimits): number {
  if (group.state === GroupState.Dead) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const { sessionTimeoutMs } = event;
  if (
    sessionTimeoutMs < limits.sessionTimeoutMsMin ||
    sessionTimeoutMs > limits.sessionTimeoutMsMax
  ) {
    return ErrorCode.INVALID_SESSION_TIMEOUT;
  }
  if (isTooMuch(event, limits)) return ErrorCode.INVALID_REQUEST;
  if (event.memberId !== '' && !group.pending.has(event.memberId)) {
    const errorCode = checkMember(group, event);
    if (errorCode !== ErrorCode.NONE) return errorCode;
  }
  return supportsProtocols(group, event.protocolType, event.protocols)
    ? ErrorCode.NONE
    : ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
}

function isTooMuch({ protocols, newMemberId }: JoinEvent, limits: GroupLimits): boolean {
  if (protocols.length > limits.protocolsPerMemberMax) return true;
  if (Buffer.byteLength(newMemberId) > limits.memberIdBytesMax) return true;
  const bytes = protocols.reduce((sum, { metadata }) => sum + metadata.length, 0);
  return bytes > limits.memberMetadataBytesMax;
}

/**
 * Whether the group's size lets it in. During a rebalance those who have joined count, because the
 * others may never come back; so a member that is late may find its place taken.
 */
function hasRoom(group: Group, event: JoinEvent, limits: GroupLimits): boolean {
  const holder = event.instanceId === null ? undefined : staticMemberId(group, event.instanceId);
  const member = group.members.get(event.memberId === '' ? (holder ?? '') : event.memberId);
  if (group.state !== GroupState.PreparingRebalance) {
    return member !== undefined || group.members.size < limits.groupMembersMax;
  }
  if (member !== undefined && member.joinTicket !== null) return true;
  let joined = 0;
  for (const other of group.members.values()) joined += other.joinTicket === null ? 0 : 1;
  return joined < limits.groupMembersMax;
}

function turnAway(change: Change, event: JoinEvent, limits: GroupLimits): void {
  change.replyJoin(event.ticket, joinRefusal(ErrorCode.GROUP_MAX_SIZE_REACHED, event.memberId));
  const member = change.group.members.get(event.memberId);
  if (member === undefined) return;
  dropMember(change, member, ErrorCode.UNKNOWN_MEMBER_ID);
  rebalanceWithoutThem(change, limits);
}

function newMember(change: Change, event: JoinEvent, limits: GroupLimits): void {
  const { group } = change;
  const { instanceId, ticket, newMemberId } = event;
  const holder = instanceId === null ? undefined : staticMemberId(group, instanceId);
  if (holder !== undefined) {
    replaceStatic(change, group.members.get(holder)!, event, limits);
  } else if (instanceId !== null || !event.requireKnownMemberId) {
    add(change, event, newMemberId, limits);
  } else if (group.pending.size >= limits.groupMembersMax) {
    change.replyJoin(ticket, joinRefusal(ErrorCode.GROUP_MAX_SIZE_REACHED, ''));
  } else {
    change.putPending(newMemberId, event.sessionTimeoutMs);
    change.replyJoin(ticket, joinRefusal(ErrorCode.MEMBER_ID_REQUIRED, newMemberId));
  }
}

function add(change: Change, event: JoinEvent, memberId: string, limits: GroupLimits): void {
  const { members, initialDelay, leaderId } = change.group;
  if (members.size === 0) change.set({ protocolType: event.protocolType });
  if (leaderId === null) change.set({ leaderId: memberId });
  if (initialDelay !== null)
    change.set({ initialDelay: { ...initialDelay, newMemberAdded: true } });
  const member: Member = {
    memberId,
    instanceId: event.instanceId,
    ...offerOf(event),
    assignment: noBytes,
    joinTicket: null,
    syncTicket: null,
    isNew: true,
    owesSync: false,
  };
  park(change, member, event, limits);
  rebalance(change, limits);
}

/** What a member says of itself with every join. */
function offerOf(event: JoinEvent) {
  const { clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = event;
  return { clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols };
}

/**
 * Keeps the request until the generation begins. Meanwhile the session does not run: the client
 * cannot send anything else on that connection. But a new member, whose client might have gone
 * without a trace and would come back under another id, is given up after a while.
 */
function park(change: Change, member: Member, event: JoinEvent, limits: GroupLimits): void {
  const free = change.refuseParked(member, ErrorCode.REBALANCE_IN_PROGRESS);
  change.put({ ...free, ...offerOf(event), joinTicket: event.ticket });
  const session = `session/${member.memberId}` as const;
  if (member.isNew) change.setTimer(session, limits.newMemberJoinTimeoutMs);
  else change.cancelTimer(session);
}

function knownMember(change: Change, event: JoinEvent, limits: GroupLimits): void {
  const { group } = change;
  const member = group.members.get(event.memberId);
  if (member === undefined) {
    // A pending id is never a static member's.
    change.replyJoin(event.ticket, joinRefusal(ErrorCode.UNKNOWN_MEMBER_ID, event.memberId));
    return;
  }
  const isSame = sameProtocols(member.protocols, event.protocols);
  // A leader that joins again asks for a rebalance; but while the assignment is made it only lost
  // the answer.
  const asksAgain =
    group.state === GroupState.CompletingRebalance ||
    (group.state === GroupState.Stable && group.leaderId !== member.memberId);
  if (isSame && asksAgain) {
    change.replyJoin(event.ticket, joinAnswer(group, member));
    touch(change, member);
    return;
  }
  park(change, member, event, limits);
  rebalance(change, limits);
}

/** A static member's new process takes the place of the old one (KIP-345). */
function replaceStatic(change: Change, old: Member, event: JoinEvent, limits: GroupLimits): void {
  const oldLeaderId = change.group.leaderId;
  const free = change.refuseParked(old, ErrorCode.FENCED_INSTANCE_ID);
  change.remove(old.memberId);
  const member = { ...free, ...offerOf(event), memberId: event.newMemberId };
  change.put(member);
  if (oldLeaderId === old.memberId) change.set({ leaderId: member.memberId });
  const { group } = change;
  const changesNothing =
    group.state === GroupState.Stable &&
    chooseProtocol(group) === group.protocolName &&
    sameSubscription(old, member, group);
  if (!changesNothing) {
    park(change, { ...member, isNew: true }, event, limits);
    rebalance(change, limits);
    return;
  }
  change.restartSession(member);
  const answer = joinAnswer(group, member);
  if (event.supportsSkippingAssignment) {
    const skipAssignment = group.leaderId === member.memberId;
    change.replyJoin(event.ticket, { ...answer, skipAssignment });
  } else {
    // An older client that reads its own id as the leader's would make an assignment; so it reads
    // the old id.
    change.replyJoin(event.ticket, { ...answer, members: [], leader: oldLeaderId ?? '' });
  }
}
