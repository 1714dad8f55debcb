import { ErrorCode } from '@sluice/wire';
import type { Change } from './change';
import { type Group, type Member, staticMemberId } from './group';

/** Who a request says it comes from. */
export interface Claim {
  memberId: string;
  instanceId: string | null;
}

/**
 * Why the group does not take the sender for a member, or NONE. A static member's older process has
 * a member id that is no longer the one of its instance: it is fenced (KIP-345).
 */
export function checkMember(group: Group, claim: Claim): number {
  const member = group.members.get(claim.memberId);
  if (claim.instanceId !== null && member?.instanceId !== claim.instanceId) {
    const holder = staticMemberId(group, claim.instanceId);
    return holder === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : ErrorCode.FENCED_INSTANCE_ID;
  }
  return member === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : ErrorCode.NONE;
}

/** As `checkMember`, and the generation must be the current one. */
export function checkGeneration(group: Group, claim: Claim & { generationId: number }): number {
  const errorCode = checkMember(group, claim);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  return claim.generationId === group.generationId ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
}

/**
 * Starts the member's session anew, unless the session does not run because something of it is
 * parked.
 */
export function touch(change: Change, member: Member): void {
  if (member.joinTicket === null && member.syncTicket === null) change.restartSession(member);
}
