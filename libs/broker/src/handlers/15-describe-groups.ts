import type { GroupDescription } from '@sluice/groups';
import { DescribeGroups, ErrorCode, errorInfo } from '@sluice/wire';
import { authorizedOperations } from '../requests/authorized-operations';
import { inTurns } from '../requests/in-turns';
import { limits } from '../limits';
import { handle } from '../requests/handler';

/** From this version on a group that does not exist is an error, with a message (KIP-1043). */
const notFoundVersion = 6;

/**
 * DescribeGroups, v0–v6. v4: static members. v5: flexible. v6: an unknown group is
 * GROUP_ID_NOT_FOUND; before, it is told as "Dead" without an error. A group that cannot be served
 * because of what is stored of it is UNKNOWN_SERVER_ERROR, with the reason. v3: authorized
 * operations, which are all, for there are no ACLs.
 */
export const describeGroups = handle(DescribeGroups, async ({ services, apiVersion }, request) => {
  const isAsked = request.includeAuthorizedOperations;
  const groups = await inTurns(request.groups, limits.groupsAtOnceMax, async (groupId) => {
    const group = await services.groups.describe(groupId);
    const isUnknown = group.errorCode === ErrorCode.GROUP_ID_NOT_FOUND;
    const errorCode = isUnknown && apiVersion < notFoundVersion ? ErrorCode.NONE : group.errorCode;
    return {
      ...group,
      errorCode,
      errorMessage: errorCode === ErrorCode.NONE ? null : messageOf(group),
      authorizedOperations: authorizedOperations('group', isAsked && errorCode === ErrorCode.NONE),
    };
  });
  return { groups };
});

function messageOf({ groupId, errorCode, errorMessage }: GroupDescription): string {
  if (errorMessage !== null) return errorMessage;
  if (errorCode === ErrorCode.GROUP_ID_NOT_FOUND) return `There is no group '${groupId}'`;
  return errorInfo(errorCode).message;
}
