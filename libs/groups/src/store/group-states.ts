import type { Random } from '@sluice/base';
import { attempt, type RedisLink } from '@sluice/redis';
import type { GroupLimits } from '../limits';
import {
  AssignedGroupInUse,
  notAHash,
  OutdatedCoordinator,
  StaleGroup,
  UnreadableGroup,
} from './errors';
import { followingFence, newFence } from './fence';
import { checkFormat, formatField, newerFormat, stateFormat } from './format';
import { GroupKeys } from './keys';
import { readable } from './readable';
import { deleteScript, expireScript, readScript, saveScript, takeScript } from './scripts';

/** What a save writes. */
export interface StateChanges {
  /** Pairs of field and value. */
  set: readonly (string | Buffer)[];
  /** Fields that go. */
  removed: readonly string[];
  /** Whether the group's last member has gone, or its first has come. */
  emptiness: 'same' | 'begins' | 'ends';
}

/** Of a save that leaves all fields as they are, and only makes a group that is not there. */
export const noChanges: StateChanges = { set: [], removed: [], emptiness: 'same' };

/** Who is told of a change, and what. */
export interface Notice {
  channel: string;
  message: string;
}

/** A group's state as whoever is going to change it has read it. */
export interface ReadState {
  fields: Readonly<Record<string, string>>;
  /** What the change has to name; empty for a group that does not exist. */
  fence: string;
  /** Redis' time when it was read, µs since 1970. */
  nowMicros: number;
}

/** A group's state as it was read when its coordinator took it. */
export interface TakenState {
  fields: Readonly<Record<string, Buffer>>;
  /** What every write must name from now on. */
  fence: string;
  /** What the last owner has left; null where that has none. */
  previousFence: string | null;
}

/** What a step of the expiry found, and how many offsets it has removed. */
export interface Expiry {
  outcome: 'missing' | 'live' | 'kept' | 'gone' | 'unreadable';
  cursor: string;
  removed: number;
  /** Of a group that is live: `classic` or `assigned`. */
  engine?: string;
}

/** A head, a group without one (null), or why it cannot be read. */
export type FoundHead = string | null | UnreadableGroup;

/**
 * The states of groups in Redis, whatever engine they are of. Every write is fenced (see fence.ts):
 * it names the last change that the writer has seen, and is refused with StaleGroup if there was
 * another. So of two coordinators only one gets anywhere, and a write whose outcome was unknown
 * cannot be done twice, nor come late.
 *
 * All methods throw what `RedisLink` throws: RedisUnavailable when nothing was done, UnknownOutcome
 * when it may have been.
 */
export class GroupStates {
  private readonly keys: GroupKeys;

  constructor(
    private readonly redis: RedisLink,
    private readonly limits: GroupLimits,
    private readonly random: Random,
  ) {
    this.keys = new GroupKeys(redis.keyPrefix);
  }

  /** Reads a group, which stays with whoever has it. @throws UnreadableGroup */
  async read(groupId: string): Promise<ReadState> {
    const keys = this.keys.of(groupId);
    // On the write connection, so that it is read after whatever was sent there before.
    const reply = await readScript.call(this.redis.write, keys, { format: stateFormat });
    switch (reply.tag) {
      case 'unreadable':
        throw new UnreadableGroup(keys.state, notAHash);
      case 'newer':
        throw newerFormat(keys.state, reply.format, stateFormat);
      case 'found': {
        const fields = fieldsOf(reply.fields);
        return { fields, fence: fields['fence'] ?? '', nowMicros: Number(reply.now) };
      }
    }
  }

  /**
   * Reads the fields of a group for whoever only looks; null when there is none.
   *
   * @throws UnreadableGroup
   */
  async look(groupId: string): Promise<Readonly<Record<string, Buffer>> | null> {
    const key = this.keys.state(groupId);
    const command = this.redis.read.hgetallBuffer(key);
    const fields = await readable(key, attempt('groups/look', command));
    if (Object.keys(fields).length === 0) return null;
    checkFormat(key, fields[formatField]?.toString() ?? null, stateFormat);
    return fields;
  }

  /** Where the group's state stands, for messages. */
  keyOf(groupId: string): string {
    return this.keys.state(groupId);
  }

  /**
   * Makes the caller the owner of a group and reads it; null when there is none.
   *
   * @param coordinatorEpoch of the caller; a group whose owner has a later one is not taken
   * @throws OutdatedCoordinator, UnreadableGroup, AssignedGroupInUse
   */
  async take(groupId: string, coordinatorEpoch: number): Promise<TakenState | null> {
    const keys = this.keys.of(groupId);
    const fence = newFence(coordinatorEpoch, this.random);
    // On the write connection, so that it is read after whatever was sent there before.
    const args = { epoch: coordinatorEpoch, fence, format: stateFormat };
    const reply = await takeScript.call(this.redis.write, keys, args);
    switch (reply.tag) {
      case 'missing':
        return null;
      case 'unreadable':
        throw new UnreadableGroup(keys.state, notAHash);
      case 'outdated':
        throw new OutdatedCoordinator(groupId, reply.fence);
      case 'newer':
        throw newerFormat(keys.state, reply.format, stateFormat);
      case 'assigned':
        throw new AssignedGroupInUse(groupId);
      case 'taken': {
        const fields = fieldsOf(reply.fields);
        return { fields, fence, previousFence: fields['fence']?.toString() ?? null };
      }
    }
  }

  /**
   * Writes the changes. A group that does not exist yet has the fence '' and gets its first one,
   * with the caller's epoch; its id must be in the index.
   *
   * @param notice is given if the changes are written
   * @returns the next fence
   * @throws StaleGroup
   */
  async save(
    owned: { groupId: string; fence: string; coordinatorEpoch: number },
    { set, removed, emptiness }: StateChanges,
    { channel, message }: Notice = { channel: '', message: '' },
  ): Promise<string> {
    const { groupId, fence, coordinatorEpoch } = owned;
    const isNew = fence === '';
    const next = isNew ? newFence(coordinatorEpoch, this.random) : followingFence(fence);
    const reply = await saveScript.call(this.redis.write, this.keys.of(groupId), {
      expectedFence: fence,
      nextFence: next,
      emptiness,
      channel,
      message,
      removedCount: removed.length,
      fields: [...removed, ...set],
    });
    if (reply.tag === 'stale') throw new StaleGroup(groupId);
    return next;
  }

  /**
   * Removes a group and its offsets; its place in the index goes with the next sweep.
   *
   * @throws StaleGroup
   */
  async delete(groupId: string, fence: string): Promise<void> {
    const keys = this.keys.of(groupId);
    const reply = await deleteScript.call(this.redis.write, keys, { fence });
    if (reply.tag === 'stale') throw new StaleGroup(groupId);
  }

  /** Removes a group and its offsets whatever stands there: for one that cannot be read. */
  async discard(groupId: string): Promise<void> {
    const { state, offsets } = this.keys.of(groupId);
    await attempt('groups/discard', this.redis.write.unlink(state, offsets));
  }

  /** The heads of groups, in the order asked for; one that cannot be read stands for itself. */
  async heads(groupIds: readonly string[]): Promise<FoundHead[]> {
    const found = await Promise.allSettled(groupIds.map((groupId) => this.#head(groupId)));
    return found.map((result) => {
      if (result.status === 'fulfilled') return result.value;
      if (result.reason instanceof UnreadableGroup) return result.reason;
      throw result.reason;
    });
  }

  /**
   * One step of the expiry of a group's offsets, and of the group itself when nothing is left; a
   * cursor of '0' begins, and is given back at the end.
   */
  async expire(groupId: string, cursor: string): Promise<Expiry> {
    const { offsetsRetentionMs: retentionMs, sweepStepCount: count } = this.limits;
    const keys = this.keys.of(groupId);
    const args = { retentionMs, cursor, count, format: stateFormat };
    const reply = await expireScript.call(this.redis.write, keys, args);
    return { outcome: reply.tag, cursor: '0', removed: 0, ...reply };
  }

  async #head(groupId: string): Promise<string | null> {
    const key = this.keys.state(groupId);
    const command = this.redis.read.hmget(key, 'fence', formatField, 'head');
    const [fence = null, format = null, head = null] = await readable(
      key,
      attempt('groups/heads', command),
    );
    checkFormat(key, format, stateFormat);
    if (fence !== null && head === null) throw new UnreadableGroup(key, 'it has no head');
    return head;
  }
}

function fieldsOf<T>(pairs: readonly T[]): Record<string, T> {
  const fields: Record<string, T> = {};
  for (let at = 0; at < pairs.length; at += 2) fields[String(pairs[at])] = pairs[at + 1]!;
  return fields;
}
