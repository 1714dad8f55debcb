import { ListGroups } from '@sluice/wire';
import { handle } from '../requests/handler';

/**
 * ListGroups, v0–v5. v3: flexible. v4: states, and only groups in some of them. v5: types, and
 * only groups of some of them; all groups are classic ones. Clients ask all brokers, so each lists
 * those that it coordinates. Not covered: nothing.
 */
export const listGroups = handle(ListGroups, async ({ services }, request) => {
  const { cluster, groups } = services;
  const { statesFilter: states, typesFilter: types } = request;
  const answer = await groups.list({ states, types });
  const isOwn = ({ groupId }: { groupId: string }) =>
    cluster.coordinatorOf(groupId) === cluster.selfId;
  return { ...answer, groups: answer.groups.filter(isOwn) };
});
