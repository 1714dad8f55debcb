import { Draft } from './draft';
import type {
  AssignedEvent,
  AssignedStep,
  JoinEvent,
  MemberName,
  Outcome,
  ReleaseEvent,
  Removal,
  StepContext,
} from './assigned-events';
import type { AssignedGroup } from './assigned-group';
import { grant, retarget, takeTopics } from './targets';
import { holdings, viewOf } from './view';

/**
 * Groups with assignment by the server, as a pure function: the shape of Kafka's KIP-848. Whatever
 * happens, each step first removes members whose time is over, then does what the event asks for,
 * makes the targets anew if they may be others now, and gives the partitions that nobody has to
 * those that are to have them. A partition that is to go to another member stays with the one that
 * has it until that lets go or is removed: revoked before it is granted.
 */
export function step(
  group: AssignedGroup,
  event: AssignedEvent,
  context: StepContext,
): AssignedStep {
  const draft = new Draft(group, context.nowMicros);
  if (isAwakening(draft, event)) renewSessions(draft);
  else expel(draft);
  const answer = handle(draft, event, context);
  takeTopics(draft, context.topics);
  retarget(draft);
  grant(draft);
  const affected = settleMembers(draft);
  const after = draft.finish();
  if (answer.kind !== 'view') return { group: after, outcome: answer, affected };
  const view = viewOf(after, after.members.get(answer.memberId)!, draft.nowMs);
  return { group: after, outcome: { kind: 'member', view }, affected };
}

/**
 * Whether a member is back after a time in which nobody was heard of: Redis was away, and not the
 * members. Then the first to come back must not take over what all others had.
 */
function isAwakening({ members, nowMs }: Draft, event: AssignedEvent): boolean {
  if (event.kind !== 'join' || !members.has(event.memberId)) return false;
  return [...members.values()].every(({ untilMs }) => untilMs <= nowMs);
}

function renewSessions(draft: Draft): void {
  for (const member of draft.members.values()) {
    const untilMs = draft.nowMs + member.sessionTimeoutMs;
    draft.members.set(member.memberId, { ...member, untilMs });
  }
}

/** Removes those that were not heard of in time, or have not let go in time. */
function expel(draft: Draft): void {
  for (const { memberId, untilMs, revokeByMs } of draft.members.values()) {
    const isLate = revokeByMs !== null && revokeByMs <= draft.nowMs;
    if (untilMs <= draft.nowMs || isLate) draft.remove(memberId);
  }
}

/** The outcome, or whose view it is. */
type Answer = Exclude<Outcome, { kind: 'member' }> | { kind: 'view'; memberId: string };

function handle(draft: Draft, event: AssignedEvent, context: StepContext): Answer {
  switch (event.kind) {
    case 'join':
      return join(draft, event, context);
    case 'release':
      return release(draft, event);
    case 'leave': {
      const isMember = draft.members.get(event.memberId)?.epoch === event.memberEpoch;
      if (isMember) draft.remove(event.memberId);
      return { kind: isMember ? 'done' : 'fenced' };
    }
    case 'remove':
      return { kind: 'removed', removals: event.members.map((name) => remove(draft, name)) };
    case 'look':
      return { kind: 'done' };
  }
}

function join(draft: Draft, event: JoinEvent, { membersMax }: StepContext): Answer {
  const { kind: _, isReturn, ...settings } = event;
  const { memberId, instanceId } = settings;
  let target = draft.members.get(memberId)?.target ?? new Set<string>();
  for (const other of draft.members.values()) {
    const isSameInstance = instanceId !== null && other.instanceId === instanceId;
    if (!isSameInstance || other.memberId === memberId) continue;
    if (isReturn) return { kind: 'replaced' };
    target = other.target;
    draft.remove(other.memberId);
  }
  draft.release(memberId);
  const isNew = !draft.members.has(memberId);
  if (isNew && draft.members.size >= membersMax) return { kind: 'full' };
  const epoch = draft.nextEpoch();
  const untilMs = draft.nowMs + event.sessionTimeoutMs;
  const state = { epoch, revision: epoch, untilMs, revokeByMs: null, target };
  draft.members.set(memberId, { ...settings, ...state });
  draft.isUnsettled = true;
  return { kind: 'view', memberId };
}

function remove(draft: Draft, { memberId, instanceId }: MemberName): Removal {
  const holder = [...draft.members.values()].find((member) => member.instanceId === instanceId);
  const member = instanceId === null ? draft.members.get(memberId) : holder;
  if (member === undefined) return 'unknown';
  if (memberId !== '' && member.memberId !== memberId) return 'fenced';
  draft.remove(member.memberId);
  return 'removed';
}

function release(draft: Draft, { memberId, memberEpoch, released }: ReleaseEvent): Answer {
  if (draft.members.get(memberId)?.epoch !== memberEpoch) return { kind: 'fenced' };
  for (const { key, ownerEpoch } of released) {
    const owner = draft.owners.get(key);
    const isHeld = owner?.memberId === memberId && owner.ownerEpoch === ownerEpoch;
    if (isHeld) draft.owners.delete(key);
  }
  return { kind: 'view', memberId };
}

/** Counts up the revisions of those that are told something else. @returns their ids */
function settleMembers(draft: Draft): string[] {
  const before = holdings(draft.before);
  const after = holdings(draft);
  const affected = [...before.keys()].filter((memberId) => !draft.members.has(memberId));
  for (const member of draft.members.values()) {
    const { memberId, revokeTimeoutMs } = member;
    const old = before.get(memberId);
    const { text, revoked } = after.get(memberId)!;
    if (old?.text === text) continue;
    affected.push(memberId);
    const isMore = [...revoked].some((key) => !old?.revoked.has(key));
    let { revokeByMs } = member;
    if (revoked.size === 0) revokeByMs = null;
    else if (isMore) revokeByMs = draft.nowMs + revokeTimeoutMs;
    draft.members.set(memberId, { ...member, revision: draft.nextEpoch(), revokeByMs });
  }
  return affected;
}
