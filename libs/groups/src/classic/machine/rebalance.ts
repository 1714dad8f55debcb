import { ErrorCode } from '@sluice/wire';
import type { GroupLimits } from '../../limits';
import { joinAnswer } from './answers';
import type { Change } from './change';
import { type Group, type Member, rebalanceTimeoutMs } from './group';
import { chooseProtocol } from './protocols';
import { GroupState } from './states';

/**
 * Begins a rebalance, or goes on with the one that runs, after a join or after a member has gone.
 */
export function rebalance(change: Change, limits: GroupLimits): void {
  if (change.group.state === GroupState.PreparingRebalance) finishIfAllJoined(change, limits);
  else prepare(change, limits);
}

/** What follows when members have gone: the others share the work anew. */
export function rebalanceWithoutThem(change: Change, limits: GroupLimits): void {
  if (change.group.state !== GroupState.Empty) rebalance(change, limits);
}

/**
 * What follows when pending ids have gone: a rebalance that waited for them may go on. None begins,
 * because they never had a share of the work.
 */
export function goOnWithoutPending(change: Change, limits: GroupLimits): void {
  if (change.group.state === GroupState.PreparingRebalance) finishIfAllJoined(change, limits);
}

/**
 * Takes a member out; what it has parked is refused with the code. Another member becomes leader.
 */
export function dropMember(change: Change, member: Member, errorCode: number): void {
  change.refuseParked(member, errorCode);
  change.remove(member.memberId);
  if (change.group.leaderId !== member.memberId) return;
  const [next] = change.group.members.keys();
  change.set({ leaderId: next ?? null });
}

/** The rebalance timer: another step of the initial delay, or on with those who have joined. */
export function rebalanceTimeout(change: Change, limits: GroupLimits): void {
  const { state, initialDelay } = change.group;
  if (state !== GroupState.PreparingRebalance) return;
  if (initialDelay !== null && initialDelay.newMemberAdded && initialDelay.remainingMs > 0) {
    const delayMs = Math.min(limits.initialRebalanceDelayMs, initialDelay.remainingMs);
    const remainingMs = initialDelay.remainingMs - delayMs;
    change.set({ initialDelay: { remainingMs, newMemberAdded: false } });
    change.setTimer('rebalance', delayMs);
    return;
  }
  beginGeneration(change, limits);
}

/**
 * The sync timer: members that were told the generation and have not asked for their share are
 * removed.
 */
export function syncTimeout(change: Change, limits: GroupLimits): void {
  const { state, members } = change.group;
  if (state !== GroupState.CompletingRebalance && state !== GroupState.Stable) return;
  const late = [...members.values()].filter(({ owesSync }) => owesSync);
  if (late.length === 0) return;
  for (const member of late) dropMember(change, member, ErrorCode.UNKNOWN_MEMBER_ID);
  prepare(change, limits);
}

/** Cancels the sync timer once nobody is waited for. */
export function cancelSyncTimerIfDone(change: Change): void {
  for (const member of change.group.members.values()) {
    if (member.owesSync) return;
  }
  change.cancelTimer('sync');
}

function prepare(change: Change, limits: GroupLimits): void {
  const isFirst = change.group.state === GroupState.Empty;
  refuseSyncs(change);
  change.cancelTimer('sync');
  change.enter(GroupState.PreparingRebalance);
  const longestMs = rebalanceTimeoutMs(change.group);
  if (isFirst && limits.initialRebalanceDelayMs > 0) {
    // As in Kafka, the first step is not cut to a rebalance timeout that is shorter.
    const delayMs = limits.initialRebalanceDelayMs;
    const remainingMs = Math.max(longestMs - delayMs, 0);
    change.set({ initialDelay: { remainingMs, newMemberAdded: false } });
    change.setTimer('rebalance', delayMs);
    return;
  }
  change.setTimer('rebalance', longestMs);
  finishIfAllJoined(change, limits);
}

function refuseSyncs(change: Change): void {
  for (const member of change.group.members.values()) {
    if (member.syncTicket === null) continue;
    change.put(change.refuseParked(member, ErrorCode.REBALANCE_IN_PROGRESS));
    change.restartSession(member);
  }
}

function finishIfAllJoined(change: Change, limits: GroupLimits): void {
  const { initialDelay, pending, members } = change.group;
  const mustWait = initialDelay !== null || pending.size > 0;
  // When everybody has left there is nothing to wait for.
  if (mustWait && members.size > 0) return;
  for (const member of members.values()) {
    if (member.joinTicket === null) return;
  }
  beginGeneration(change, limits);
}

/**
 * The next generation, of those who have joined; static members may be away until their session
 * expires.
 */
function beginGeneration(change: Change, limits: GroupLimits): void {
  change.cancelTimer('rebalance');
  change.set({ initialDelay: null });
  for (const member of change.group.members.values()) {
    const isAway = member.joinTicket === null;
    if (isAway && member.instanceId === null) {
      dropMember(change, member, ErrorCode.UNKNOWN_MEMBER_ID);
    }
  }
  const { group } = change;
  if (group.members.size === 0) {
    change.set({ generationId: group.generationId + 1, protocolName: null, leaderId: null });
    change.enter(GroupState.Empty);
    return;
  }
  const leaderId = chooseLeader(group);
  if (leaderId === null) {
    // Only static members are left and all are away: wait for the first to return, or to expire.
    const waitMs = Math.max(rebalanceTimeoutMs(group), limits.absentMembersWaitMsMin);
    change.setTimer('rebalance', waitMs);
    return;
  }
  const protocolName = chooseProtocol(group);
  change.set({ generationId: group.generationId + 1, protocolName, leaderId });
  change.enter(GroupState.CompletingRebalance);
  answerJoins(change);
  change.setTimer('sync', rebalanceTimeoutMs(group));
}

/** The leader stays if it has joined, else the longest-standing member that has. */
function chooseLeader(group: Group): string | null {
  const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId);
  if (leader !== undefined && leader.joinTicket !== null) return leader.memberId;
  for (const member of group.members.values()) {
    if (member.joinTicket !== null) return member.memberId;
  }
  return null;
}

function answerJoins(change: Change): void {
  for (const member of change.group.members.values()) {
    const owesSync = member.joinTicket !== null;
    if (!owesSync && !member.owesSync) continue;
    change.put({ ...member, joinTicket: null, isNew: false, owesSync });
    if (member.joinTicket === null) continue;
    change.replyJoin(member.joinTicket, joinAnswer(change.group, member));
    change.restartSession(member);
  }
}
