import { parseOffsetField } from '../../store/offset-codec';
import type { HeldPartition, MemberView } from './assigned-events';
import type { AssignedGroup, AssignedMember } from './assigned-group';

type Parts = Pick<AssignedGroup, 'owners' | 'members'>;

/** What a member has, in a form that can be compared. */
export interface Holding {
  /** Keys and owner epochs of all of it. */
  readonly text: string;
  /** Keys of what it is to let go. */
  readonly revoked: ReadonlySet<string>;
}

/** What each member has, by member id. */
export function holdings({ owners, members }: Parts): Map<string, Holding> {
  const found = new Map<string, { grants: string[]; revoked: Set<string> }>();
  for (const memberId of members.keys()) found.set(memberId, { grants: [], revoked: new Set() });
  for (const [key, { memberId, ownerEpoch }] of owners) {
    const { grants, revoked } = found.get(memberId)!;
    const isRevoked = !members.get(memberId)!.target.has(key);
    grants.push(`${key} ${ownerEpoch} ${isRevoked ? 'revoked' : ''}`);
    if (isRevoked) revoked.add(key);
  }
  const entries = [...found].map(([memberId, { grants, revoked }]): [string, Holding] => {
    return [memberId, { text: grants.sort().join('\n'), revoked }];
  });
  return new Map(entries);
}

/** What a member is told. */
export function viewOf(group: AssignedGroup, member: AssignedMember, nowMs: number): MemberView {
  const partitions: HeldPartition[] = [];
  for (const [key, owner] of group.owners) {
    if (owner.memberId !== member.memberId) continue;
    const { topicId, partition } = parseOffsetField(key);
    const topic = group.topics.byId.get(topicId)!.name;
    const isRevoked = !member.target.has(key);
    partitions.push({ topicId, topic, partition, ownerEpoch: owner.ownerEpoch, isRevoked });
  }
  const { epoch: memberEpoch, revision, revokeByMs } = member;
  const revokeWithinMs = revokeByMs === null ? null : Math.max(0, revokeByMs - nowMs);
  return { memberEpoch, revision, partitions, revokeWithinMs };
}
