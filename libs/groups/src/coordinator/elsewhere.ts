import { ErrorCode } from '@sluice/wire';
import type {
  CommitRequest,
  CommitResult,
  DeleteOffsetsRequest,
  DeleteOffsetsResult,
  FetchOffsetsRequest,
  FetchOffsetsResult,
  GroupDescription,
  OffsetToCommit,
} from '../api';
import type { AssignedGroups } from '../assigned/door/assigned-groups';
import { ClassicGroupInUse, GroupContended } from '../assigned/group-refused';
import { deadGroup, describeGroup } from '../classic/coordinator/describe';
import { codeOfFailure, isRedisFailure } from '../classic/coordinator/failure-code';
import { deleteUnusedOffsets, deletionRefusal } from '../classic/coordinator/offset-deletion';
import { newGroup } from '../classic/machine/group';
import { GroupState } from '../classic/machine/states';
import type { ClassicStore, OwnedGroup } from '../classic/stored/classic-store';
import type { GroupLimits } from '../limits';
import {
  AssignedGroupInUse,
  OutdatedCoordinator,
  StaleGroup,
  UnreadableGroup,
} from '../store/errors';
import { epochOfFence } from '../store/fence';
import { noChanges } from '../store/group-states';
import type { CommittedOffsets } from '../store/offsets';
import { checkCommittedOffset } from './committed-offset';
import type { OffsetReader } from './offset-reader';
import type { Troubles } from './troubles';

export interface GroupsElsewhereDeps {
  store: ClassicStore;
  assigned: AssignedGroups;
  offsets: CommittedOffsets;
  reader: OffsetReader;
  troubles: Troubles;
  limits: GroupLimits;
}

/** What an operator asks of one group. */
export interface OperatedGroups {
  describe(groupId: string): Promise<GroupDescription>;
  fetchOffsets(request: FetchOffsetsRequest): Promise<FetchOffsetsResult>;
  commitOffsets(request: CommitRequest): Promise<CommitResult>;
  deleteGroup(groupId: string): Promise<number>;
  deleteOffsets(request: DeleteOffsetsRequest): Promise<DeleteOffsetsResult>;
}

/** A group of either kind, as far as it matters who may change it. */
interface Found {
  hasMembers: boolean;
  isAssigned: boolean;
  owned: OwnedGroup;
}

/**
 * Groups that another gateway coordinates, straight in Redis: there is all of them, and never less
 * than their coordinator has in memory. So operators may ask any gateway.
 *
 * A change is made only while a group has no members. It takes the group first, in the epoch of
 * who has it, as a new coordinator would: what the coordinator then writes on what it remembers is
 * refused, it reads the group again, and the client that had asked tries again. What was sent here
 * and comes late, on a connection that was given up, is refused as soon as anybody has written
 * since.
 */
export class GroupsElsewhere implements OperatedGroups {
  constructor(private readonly deps: GroupsElsewhereDeps) {}

  async describe(groupId: string): Promise<GroupDescription> {
    try {
      const found = await this.#look(groupId);
      if (found === null) return deadGroup(groupId, ErrorCode.GROUP_ID_NOT_FOUND);
      if (found.isAssigned) return await this.deps.assigned.describe(groupId);
      return describeGroup(found.owned.group);
    } catch (error) {
      const refused = deadGroup(groupId, this.#codeOf('a look', groupId, error));
      if (!(error instanceof UnreadableGroup)) return refused;
      return { ...refused, errorMessage: error.message, groupState: 'Unknown' };
    }
  }

  fetchOffsets(request: FetchOffsetsRequest): Promise<FetchOffsetsResult> {
    return this.deps.reader.fetch(request);
  }

  /** Only as one who is no member: a reset. */
  async commitOffsets({ groupId, offsets }: CommitRequest): Promise<CommitResult> {
    const codes = offsets.map((offset) => checkCommittedOffset(offset, this.deps.limits));
    const accepted = offsets.filter((_, index) => codes[index] === ErrorCode.NONE);
    const errorCode = await this.#commit(groupId, accepted);
    const partitions = offsets.map(({ topicId, topic, partition }, index) => {
      return { topicId, topic, partition, errorCode: errorCode || codes[index]! };
    });
    return { errorCode, partitions };
  }

  /** @returns the error code */
  async deleteGroup(groupId: string): Promise<number> {
    const { store } = this.deps;
    return this.#change('a deletion', groupId, ErrorCode.NON_EMPTY_GROUP, {
      write: async (owned) => {
        if (owned === null) return ErrorCode.GROUP_ID_NOT_FOUND;
        await store.delete(owned);
        return ErrorCode.NONE;
      },
      onUnreadable: async (error) => {
        if (error.isNewer) return ErrorCode.UNKNOWN_SERVER_ERROR;
        await store.discard(groupId);
        return ErrorCode.NONE;
      },
    });
  }

  /** Of topics that no member is subscribed to, so also while there are members. */
  async deleteOffsets(request: DeleteOffsetsRequest): Promise<DeleteOffsetsResult> {
    const { groupId, partitions } = request;
    const { assigned, offsets } = this.deps;
    try {
      const found = await this.#look(groupId);
      if (found === null) return deletionRefusal(ErrorCode.GROUP_ID_NOT_FOUND);
      if (found.isAssigned) return await assigned.deleteOffsets(request);
      return await deleteUnusedOffsets(offsets, found.owned, partitions);
    } catch (error) {
      return deletionRefusal(this.#codeOf('a deletion of offsets', groupId, error));
    }
  }

  #commit(groupId: string, offsets: readonly OffsetToCommit[]): Promise<number> {
    const { store } = this.deps;
    return this.#change('a commit', groupId, ErrorCode.UNKNOWN_MEMBER_ID, {
      write: async (owned) => {
        if (offsets.length === 0) return ErrorCode.NONE;
        const nothing = { group: newGroup(groupId), fence: '' };
        const fence = owned?.fence ?? (await store.save(nothing, noChanges, 0));
        await this.deps.offsets.commit(groupId, fence, offsets);
        return ErrorCode.NONE;
      },
      onUnreadable: () => Promise.resolve(ErrorCode.COORDINATOR_NOT_AVAILABLE),
    });
  }

  /** Changes a group that has no members; who comes in between has it tried again. */
  async #change(
    what: string,
    groupId: string,
    hasMembersCode: number,
    how: {
      write: (owned: OwnedGroup | null) => Promise<number>;
      onUnreadable: (error: UnreadableGroup) => Promise<number>;
    },
  ): Promise<number> {
    const { limits, store } = this.deps;
    for (let attempt = 1; attempt <= limits.changeAttemptsMax; attempt++) {
      let isWriting = false;
      try {
        const found = await this.#look(groupId);
        if (found?.hasMembers) return hasMembersCode;
        const epoch = epochOfFence(found?.owned.fence ?? '');
        const taken = found === null ? null : await store.take(groupId, epoch);
        if (taken !== null && taken.group.state !== GroupState.Empty) continue;
        isWriting = true;
        return await how.write(taken);
      } catch (error) {
        if (isRace(error)) continue;
        if (error instanceof UnreadableGroup && !isWriting) {
          return await this.#unreadable(what, groupId, () => how.onUnreadable(error));
        }
        const errorCode = this.#codeOf(what, groupId, error);
        return isWriting ? errorCode : ErrorCode.COORDINATOR_NOT_AVAILABLE;
      }
    }
    return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  }

  async #unreadable(
    what: string,
    groupId: string,
    onUnreadable: () => Promise<number>,
  ): Promise<number> {
    try {
      return await onUnreadable();
    } catch (error) {
      return this.#codeOf(what, groupId, error);
    }
  }

  async #look(groupId: string): Promise<Found | null> {
    const { store, assigned } = this.deps;
    const found = await store.look(groupId);
    if (found === null) return null;
    const hasMembers = found.isAssigned
      ? (await assigned.look(groupId)).members.size > 0
      : found.owned.group.state !== GroupState.Empty;
    return { hasMembers, ...found };
  }

  /** @throws what is a fault in this program */
  #codeOf(what: string, groupId: string, error: unknown): number {
    if (error instanceof UnreadableGroup) return ErrorCode.UNKNOWN_SERVER_ERROR;
    if (!isRedisFailure(error) && !isRace(error)) throw error;
    this.deps.troubles.note(what, groupId, error);
    return codeOfFailure(error);
  }
}

function isRace(error: unknown): boolean {
  return (
    error instanceof ClassicGroupInUse ||
    error instanceof GroupContended ||
    error instanceof StaleGroup ||
    error instanceof OutdatedCoordinator ||
    error instanceof AssignedGroupInUse
  );
}
