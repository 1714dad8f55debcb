import type { GroupDescription } from '@sluice/groups';
import { DescribeGroups, ErrorCode, errorInfo, noAuthorizedOperations } from '@sluice/wire';
import { inTurns } from '../requests/in-turns';
import { limits } from '../limits';
import { handle } from '../requests/handler';

/** From this version on a group that does not exist is an error, with a message (KIP-1043). */
const notFoundVersion = 6;

/**
 * DescribeGroups, v0–v6. v4: static members. v5: flexible. v6: an unknown group is
 * GROUP_ID_NOT_FOUND; before, it is told as "Dead" without an error. A group that cannot be served
 * because of what is stored of it is UNKNOWN_SERVER_ERROR, with the reason. Not covered: authorized
 * operations (v3), which are answered as not known.
 */
export const describeGroups = handle(DescribeGroups, async ({ services, apiVersion }, request) => {
  const groups = await inTurns(request.groups, limits.groupsAtOnceMax, async (groupId) =>
    tell(await services.groups.describe(groupId), apiVersion),
  );
  return { groups };
});

function tell(group: GroupDescription, apiVersion: number) {
  const isUnknown = group.errorCode === ErrorCode.GROUP_ID_NOT_FOUND;
  const errorCode = isUnknown && apiVersion < notFoundVersion ? ErrorCode.NONE : group.errorCode;
  return {
    ...group,
    errorCode,
    errorMessage: errorCode === ErrorCode.NONE ? null : messageOf(group),
    authorizedOperations: noAuthorizedOperations,
  };
}

function messageOf({ groupId, errorCode, errorMessage }: GroupDescription): string {
  if (errorMessage !== null) return errorMessage;
  if (errorCode === ErrorCode.GROUP_ID_NOT_FOUND) return `There is no group '${groupId}'`;
  return errorInfo(errorCode).message;
}
