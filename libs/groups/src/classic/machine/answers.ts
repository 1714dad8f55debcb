import { ErrorCode } from '@sluice/wire';
import type { JoinResult, SyncResult } from '../../api';
import { type Group, type Member, metadataFor, noBytes } from './group';

/** A JoinGroup answer that refuses. */
export function joinRefusal(errorCode: number, memberId: string): JoinResult {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: '',
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

/** A SyncGroup answer that refuses. */
export function syncRefusal(errorCode: number): SyncResult {
  return { errorCode, protocolType: null, protocolName: null, assignment: noBytes };
}

/** The current generation as one member is told it; the leader learns who the members are. */
export function joinAnswer(group: Group, member: Member): JoinResult {
  const isLeader = group.leaderId === member.memberId;
  return {
    errorCode: ErrorCode.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName ?? '',
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId: member.memberId,
    members: isLeader ? membersForLeader(group) : [],
  };
}

/** A member's assignment in the current generation. */
export function syncAnswer(group: Group, assignment: Buffer): SyncResult {
  return {
    errorCode: ErrorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment,
  };
}

function membersForLeader(group: Group): JoinResult['members'] {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.instanceId,
    metadata: metadataFor(member, group.protocolName),
  }));
}
