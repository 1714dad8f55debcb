import type { ListedGroup, ListGroupsRequest } from '../api';
import { assignedStateNames } from '../assigned/door/assigned-description';
import { decodeHead as decodeAssignedHead } from '../assigned/stored/assigned-codec';
import { decodeHead } from '../classic/stored/group-codec';
import { stateNames } from '../classic/machine/states';
import { consumerProtocolType } from '../classic/machine/subscription';
import { UnreadableGroup } from '../store/errors';
import type { GroupIndex } from '../store/group-index';
import type { GroupStates } from '../store/group-states';
import { isAssignedHead } from '../store/head';

export interface GroupListDeps {
  states: GroupStates;
  index: GroupIndex;
  /** Which groups are to be in the list. */
  isListed: (groupId: string) => boolean;
  /** Told of each group that cannot be read; it is in the list all the same. */
  onUnreadable: (groupId: string) => void;
}

/**
 * ListGroups: every group that is to be listed, in memory or not. A group that cannot be read is in
 * the state "Unknown".
 *
 * @throws as RedisLink
 */
export async function listGroups(
  { states, index, isListed, onUnreadable }: GroupListDeps,
  request: ListGroupsRequest,
): Promise<ListedGroup[]> {
  const isState = filterOf(request.states);
  const isType = filterOf(request.types);
  // A scan may give an element twice.
  const groups = new Map<string, ListedGroup>();
  let cursor = '0';
  do {
    const found = await index.scan(cursor);
    const groupIds = found.groupIds.filter(isListed);
    const heads = await states.heads(groupIds);
    for (const [at, groupId] of groupIds.entries()) {
      const head = heads[at] ?? null;
      if (head === null) continue;
      const listed = { groupId, ...told(head) };
      const { groupState } = listed;
      if (groupState === 'Unknown') onUnreadable(groupId);
      if (isState(groupState) && isType(listed.groupType)) groups.set(groupId, listed);
    }
    cursor = found.cursor;
  } while (cursor !== '0');
  return [...groups.values()];
}

function told(head: string | UnreadableGroup): Omit<ListedGroup, 'groupId'> {
  const groupType = 'classic';
  const unreadable = { groupState: 'Unknown', protocolType: '', groupType } as const;
  if (head instanceof UnreadableGroup) return unreadable;
  try {
    if (isAssignedHead(head)) {
      const groupState = assignedStateNames[decodeAssignedHead(head).state];
      return { groupState, protocolType: consumerProtocolType, groupType: 'consumer' };
    }
    const { state, protocolType } = decodeHead(head);
    return { groupState: stateNames[state], protocolType: protocolType ?? '', groupType };
  } catch {
    // Why is told when the group is read, which `onUnreadable` brings about.
    return unreadable;
  }
}

/** Kafka compares the names without regard to case; no names at all let everything pass. */
function filterOf(names: string[] | null | undefined): (name: string) => boolean {
  if (names === null || names === undefined || names.length === 0) return () => true;
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return (name) => wanted.has(name.toLowerCase());
}
