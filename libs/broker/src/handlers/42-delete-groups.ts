import { DeleteGroups } from '@sluice/wire';
import { codeForClients } from '../group-requests/code-for-clients';
import { inTurns } from '../requests/in-turns';
import { limits } from '../limits';
import { handle } from '../requests/handler';

/**
 * DeleteGroups, v0–v2 (v2: flexible). Deletes groups without members, and their offsets. A group
 * that is named twice is answered once. Not covered: nothing.
 */
export const deleteGroups = handle(DeleteGroups, async ({ services }, request) => {
  const groupIds = [...new Set(request.groupsNames)];
  const { groupsAtOnceMax } = limits;
  const results = await inTurns(groupIds, groupsAtOnceMax, async (groupId) => ({
    groupId,
    errorCode: codeForClients(await services.groups.deleteGroup(groupId)),
  }));
  return { results };
});
