import { ErrorCode } from '@sluice/wire';
import type { GroupDescription } from '../../api';
import { type Group, metadataFor, noBytes } from '../machine/group';
import { GroupState, stateNames } from '../machine/states';

/** What DescribeGroups tells of a group. */
export function describeGroup(group: Group): GroupDescription {
  const isStable = group.state === GroupState.Stable;
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId: group.groupId,
    groupState: stateNames[group.state],
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? metadataFor(member, group.protocolName) : noBytes,
      memberAssignment: isStable ? member.assignment : noBytes,
    })),
  };
}

/** What DescribeGroups tells of a group that does not exist, or cannot be read. */
export function deadGroup(
  groupId: string,
  errorCode: number,
  errorMessage: string | null = null,
): GroupDescription {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: stateNames[GroupState.Dead],
    protocolType: '',
    protocolData: '',
    members: [],
  };
}
