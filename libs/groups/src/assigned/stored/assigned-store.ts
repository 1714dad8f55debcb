import type { Random } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type { GroupLimits } from '../../limits';
import { UnreadableGroup } from '../../store/errors';
import { formatField, stateFormats } from '../../store/format';
import { GroupIndex } from '../../store/group-index';
import { GroupStates, type StateChanges } from '../../store/group-states';
import { isAssignedHead } from '../../store/head';
import { groupChannel } from '../../store/keys';
import { CommittedOffsets } from '../../store/offsets';
import { ClassicGroupInUse } from '../group-refused';
import { newAssignedGroup, type AssignedGroup } from '../machine/assigned-group';
import { decodeGroup, changesBetween, nextLookMs } from './assigned-codec';

/** A group as it was read, and what a change of it has to name. */
export interface StoredGroup {
  group: AssignedGroup;
  /** Empty where nothing is stored. */
  fence: string;
  /** Redis' time, µs since 1970. */
  nowMicros: number;
  /** When somebody is to look for what is over, ms by Redis' clock. */
  lookAtMs: number;
  /** Whether it was left by the classic engine, of which these fields are to go. */
  leftovers: readonly string[] | null;
}

/** Members that are told of a change by their ids; where there are more, all look. */
const namedMembersMax = 100;

/**
 * Groups with assignment by the server in the stores of all groups.
 *
 * All methods throw what `RedisLink` throws.
 */
export class AssignedStore {
  readonly #states: GroupStates;
  readonly #offsets: CommittedOffsets;
  readonly #index: GroupIndex;

  constructor(
    private readonly redis: RedisLink,
    limits: GroupLimits,
    random: Random,
  ) {
    this.#states = new GroupStates(redis, limits, random);
    this.#offsets = new CommittedOffsets(redis, limits);
    this.#index = new GroupIndex(redis, limits);
  }

  /**
   * Reads a group, or what becomes one when it is saved: nothing, or a classic group without
   * members.
   *
   * @throws UnreadableGroup, ClassicGroupInUse
   */
  async read(groupId: string): Promise<StoredGroup> {
    const { fields, fence, nowMicros } = await this.#states.read(groupId);
    const head = fields['head'] ?? '';
    const lookAtMs = Number(fields['lookAt'] ?? 0);
    if (isAssignedHead(head)) {
      const group = this.#decode(groupId, fields);
      return { group, fence, nowMicros, lookAtMs, leftovers: null };
    }
    if (fence !== '') {
      // The state comes first in either engine's head.
      const state = /^\{"state":"([a-z-]+)"/.exec(head)?.[1];
      if (state === undefined) throw this.#unreadable(groupId, 'its head is none');
      if (state !== 'empty') throw new ClassicGroupInUse(groupId);
    }
    const own = new Set(['fence', 'head', formatField, 'emptySince']);
    const leftovers = Object.keys(fields).filter((field) => !own.has(field));
    return { group: newAssignedGroup(groupId), fence, nowMicros, lookAtMs, leftovers };
  }

  /**
   * Writes what makes the stored group `after`, and tells the members that it affects.
   *
   * @throws StaleGroup when somebody else has changed the group since it was read
   */
  async save(before: StoredGroup, after: AssignedGroup, affected: string[]): Promise<void> {
    const { groupId } = after;
    const changes = this.#changes(before, after);
    if (changes === null) return;
    if (before.leftovers !== null) await this.#open(groupId);
    const owned = { groupId, fence: before.fence, coordinatorEpoch: 0 };
    const message = affected.length > namedMembersMax ? '*' : JSON.stringify(affected);
    const channel = groupChannel(this.redis.keyPrefix, this.redis.db, groupId);
    const notice = affected.length === 0 ? undefined : { channel, message };
    await this.#states.save(owned, changes, notice);
  }

  #changes(before: StoredGroup, after: AssignedGroup): StateChanges | null {
    const { group, leftovers, lookAtMs, nowMicros } = before;
    if (leftovers === null) {
      const changes = changesBetween(group, after);
      if (changes !== null) return changes;
      const isLookDue = after.members.size > 0 && lookAtMs * 1000 <= nowMicros;
      const set = ['lookAt', String(nextLookMs(after))];
      return isLookDue ? { set, removed: [], emptiness: 'same' } : null;
    }
    // A look at what is not there makes nothing.
    if (after.members.size === 0) return null;
    const changes = changesBetween(group, after, true)!;
    const set = [formatField, String(stateFormats.assigned), ...changes.set];
    return { ...changes, set, removed: [...leftovers, ...changes.removed] };
  }

  /** What must be there as long as the group is, and so is made before it. */
  async #open(groupId: string): Promise<void> {
    await Promise.all([this.#index.add(groupId), this.#offsets.open(groupId)]);
  }

  #decode(groupId: string, fields: Readonly<Record<string, string>>): AssignedGroup {
    try {
      return decodeGroup(groupId, fields);
    } catch (error) {
      throw this.#unreadable(groupId, (error as Error).message);
    }
  }

  #unreadable(groupId: string, reason: string): UnreadableGroup {
    return new UnreadableGroup(this.#states.keyOf(groupId), reason);
  }
}
