import { ErrorCode, LeaveGroup } from '@sluice/wire';
import { handle } from '../requests/handler';

/**
 * From this version on several members may leave at once, and static ones by their instance ids.
 */
const manyMembersVersion = 3;

/**
 * LeaveGroup, v0–v5. Up to v2: one member, whose error is that of the response. v3: many members,
 * each with its own error. v4: flexible. v5: reasons. Members of groups with assignment by the
 * server are taken out too. Not covered: nothing.
 */
export const leaveGroup = handle(LeaveGroup, async ({ services, apiVersion }, request) => {
  const { groupId, memberId, members } = request;
  if (apiVersion >= manyMembersVersion) return services.groups.leave({ groupId, members });
  const member = { memberId, groupInstanceId: null };
  const result = await services.groups.leave({ groupId, members: [member] });
  return { errorCode: result.errorCode || (result.members[0]?.errorCode ?? ErrorCode.NONE) };
});
