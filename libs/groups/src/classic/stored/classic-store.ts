import type { GroupIndex } from '../../store/group-index';
import type { CommittedOffsets } from '../../store/offsets';
import type { GroupStates, StateChanges } from '../../store/group-states';
import { UnreadableGroup } from '../../store/errors';
import { isAssignedHead } from '../../store/head';
import { type Group, newGroup } from '../machine/group';
import { consumerProtocolType } from '../machine/subscription';
import { decodeGroup, headFields } from './group-codec';

/** A group as its coordinator has it, and the token that proves so to the next write. */
export interface OwnedGroup {
  group: Group;
  /** Empty for a group that does not exist. */
  fence: string;
}

/** A group that was just taken. */
export interface TakenGroup extends OwnedGroup {
  /** What the last owner has left; null where that has none. */
  previousFence: string | null;
}

/** Where groups of all kinds are kept. */
export interface Stores {
  states: GroupStates;
  offsets: CommittedOffsets;
  index: GroupIndex;
}

/**
 * Classic groups in the stores of all groups.
 *
 * All methods throw what `RedisLink` throws, and StaleGroup when somebody else has changed the
 * group.
 */
export class ClassicStore {
  constructor(private readonly stores: Stores) {}

  /**
   * Makes the caller the owner of a group and reads it; null when there is none. One of the other
   * engine has no members then, and is an empty classic group from its next change on.
   *
   * @throws OutdatedCoordinator, UnreadableGroup, AssignedGroupInUse
   */
  async take(groupId: string, coordinatorEpoch: number): Promise<TakenGroup | null> {
    const taken = await this.stores.states.take(groupId, coordinatorEpoch);
    if (taken === null) return null;
    await this.#open(groupId);
    const { fields, fence, previousFence } = taken;
    return { group: this.#decode(groupId, fields), fence, previousFence };
  }

  /**
   * Reads a group, which stays with whoever has it; null when there is none. One of the other
   * engine is shown without its members.
   *
   * @throws UnreadableGroup
   */
  async look(groupId: string): Promise<{ owned: OwnedGroup; isAssigned: boolean } | null> {
    const fields = await this.stores.states.look(groupId);
    if (fields === null) return null;
    const isAssigned = isAssignedHead(String(fields['head'] ?? ''));
    const fence = String(fields['fence'] ?? '');
    return { owned: { group: this.#decode(groupId, fields), fence }, isAssigned };
  }

  /**
   * Writes the changes that make the stored group `after`, or the whole of it where it does not
   * exist yet.
   *
   * @returns the next fence
   */
  async save(after: OwnedGroup, changes: StateChanges, coordinatorEpoch: number): Promise<string> {
    const { group, fence } = after;
    const { groupId } = group;
    const owned = { groupId, fence, coordinatorEpoch };
    if (fence !== '') return this.stores.states.save(owned, changes);
    await this.#open(groupId);
    const set = [...headFields(group), ...changes.set];
    return this.stores.states.save(owned, { ...changes, set });
  }

  async delete({ group, fence }: OwnedGroup): Promise<void> {
    await this.stores.states.delete(group.groupId, fence);
  }

  /** Removes what cannot be read. */
  async discard(groupId: string): Promise<void> {
    await this.stores.states.discard(groupId);
  }

  /** What must be there as long as the group is, and so is made before it. */
  async #open(groupId: string): Promise<void> {
    const { index, offsets } = this.stores;
    await Promise.all([index.add(groupId), offsets.open(groupId)]);
  }

  #decode(groupId: string, fields: Readonly<Record<string, Buffer>>): Group {
    if (isAssignedHead(String(fields['head'] ?? ''))) {
      return { ...newGroup(groupId), protocolType: consumerProtocolType };
    }
    try {
      return decodeGroup(groupId, fields);
    } catch (error) {
      throw new UnreadableGroup(this.stores.states.keyOf(groupId), (error as Error).message);
    }
  }
}
