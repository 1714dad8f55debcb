import type { MemberListener, MemberSession } from '@sluice/groups';

/** What a consumer needs of its membership in a group. */
export type GroupSession = Pick<
  MemberSession,
  'memberId' | 'silentMs' | 'join' | 'leave' | 'letGo' | 'commit' | 'holds'
>;

/** Makes the membership of a consumer, which is told of what becomes of it. */
export type NewSession = (listener: MemberListener) => GroupSession;
