import { join } from 'node:path';
import { attempt, defineScript, type RedisLink, type Script } from '@sluice/redis';
import type { CommittedOffset, OffsetToCommit } from '../api';
import type { GroupLimits } from '../limits';
import type { Group } from '../machine/group';
import {
  decodeGroup,
  decodeHead,
  encodeHead,
  type StoredChanges,
  type StoredHead,
} from './group-codec';
import { GroupKeys } from './keys';
import { decodeOffset, offsetField, parseOffsetField } from './offset-codec';

const scriptsFolder = join(__dirname, '..', 'scripts');

const saveScript = defineScript({
  name: 'groups/save',
  file: join(scriptsFolder, 'save.lua'),
  keys: ['state'],
  args: ['expectedFence', 'nextFence', 'emptiness', 'removedCount', 'fields…'],
  reply: 'text',
});
const commitScript = defineScript({
  name: 'groups/commit',
  file: join(scriptsFolder, 'commit.lua'),
  keys: ['state', 'offsets'],
  args: ['fence', 'offsets…'],
  reply: 'text',
});
const deleteScript = defineScript({
  name: 'groups/delete',
  file: join(scriptsFolder, 'delete.lua'),
  keys: ['state', 'offsets'],
  args: ['fence'],
  reply: 'text',
});
const deleteOffsetsScript = defineScript({
  name: 'groups/delete-offsets',
  file: join(scriptsFolder, 'delete-offsets.lua'),
  keys: ['state', 'offsets'],
  args: ['fence', 'fields…'],
  reply: 'text',
});
const expireScript = defineScript({
  name: 'groups/expire',
  file: join(scriptsFolder, 'expire.lua'),
  keys: ['state', 'offsets'],
  args: ['retentionMs', 'cursor', 'count'],
  reply: 'text',
});
const removeTopicScript = defineScript({
  name: 'groups/remove-topic',
  file: join(scriptsFolder, 'remove-topic.lua'),
  keys: ['offsets'],
  args: ['pattern', 'cursor', 'count'],
  reply: 'text',
});

const rememberScript = defineScript({
  name: 'groups/remember',
  file: join(scriptsFolder, 'remember.lua'),
  keys: ['names'],
  args: ['name'],
  reply: 'text',
});

const scripts: readonly Script[] = [
  saveScript,
  commitScript,
  deleteScript,
  deleteOffsetsScript,
  expireScript,
  removeTopicScript,
  rememberScript,
];

/** A group as it was read, and the token that proves so to the next write. */
export interface LoadedGroup {
  group: Group;
  /** Empty for a group that does not exist. */
  fence: string;
}

/** What a step of the expiry found. */
export type ExpiryOutcome = 'missing' | 'live' | 'kept' | 'gone';

/** What is thrown when somebody else has changed the group since it was read. */
export class StaleGroup extends Error {
  override readonly name = 'StaleGroup';

  constructor(groupId: string) {
    super(`the group "${groupId}" was changed by another coordinator`);
  }
}

/**
 * Groups and committed offsets in Redis. Every write is fenced: it names the last change that the
 * writer has seen, and is refused with StaleGroup if there was another. So of two coordinators only
 * one gets anywhere, and a write whose outcome was unknown cannot be done twice.
 *
 * All methods throw what `RedisLink` throws: RedisUnavailable when nothing was done, UnknownOutcome
 * otherwise.
 */
export class GroupStore {
  readonly keys: GroupKeys;

  constructor(
    private readonly redis: RedisLink,
    private readonly limits: GroupLimits,
  ) {
    this.keys = new GroupKeys(redis.keyPrefix);
  }

  /** Makes the scripts known, so that commands keep the order in which they are sent. */
  async prepare(): Promise<void> {
    for (const script of scripts) await script.load(this.redis.write);
  }

  /**
   * Reads a group; null when there is none. A group that exists is put in the index if it is
   * missing there.
   */
  async load(groupId: string): Promise<LoadedGroup | null> {
    const key = this.keys.state(groupId);
    // On the write connection, so that it is read after whatever was sent there before.
    const fields = await attempt('groups/load', this.redis.write.hgetallBuffer(key));
    const fence = fields['fence'];
    if (fence === undefined) return null;
    await this.addToIndex(groupId);
    return { group: decodeGroup(groupId, fields), fence: fence.toString() };
  }

  /** Whether nobody else has changed the group since it was read. */
  async isCurrent({ group, fence }: LoadedGroup): Promise<boolean> {
    const key = this.keys.state(group.groupId);
    const stored = await attempt('groups/check', this.redis.write.hget(key, 'fence'));
    return (stored ?? '') === fence;
  }

  async addToIndex(groupId: string): Promise<void> {
    await rememberScript.run(this.redis.write, [this.keys.index], [groupId]);
  }

  /**
   * Takes a group that does not exist out of the index; if it was made just then, it is put back.
   */
  async removeFromIndex(groupId: string): Promise<void> {
    const { write } = this.redis;
    await attempt('groups/index', write.srem(this.keys.index, groupId));
    const exists = await attempt('groups/index', write.exists(this.keys.state(groupId)));
    if (exists === 1) await this.addToIndex(groupId);
  }

  /**
   * Writes the changes that make the stored group `after`. A group that does not exist yet has the
   * fence '' and gets its first from `incarnation`, a name used once: so a group that is deleted
   * and made again never has a fence that an old one had.
   *
   * @returns the next fence
   * @throws StaleGroup
   */
  async save(
    after: LoadedGroup,
    changes: StoredChanges,
    incarnation: () => string,
  ): Promise<string> {
    const { group, fence } = after;
    const isNew = fence === '';
    if (isNew) await this.addToIndex(group.groupId);
    const next = isNew ? `${incarnation()}:1` : followingFence(fence);
    const set = isNew ? ['head', encodeHead(group), ...changes.set] : changes.set;
    const { removed, emptiness } = changes;
    const reply = await saveScript.run(
      this.redis.write,
      [this.keys.state(group.groupId)],
      [fence, next, emptiness, removed.length, ...removed, ...set],
    );
    this.#checkFence(group.groupId, reply);
    return next;
  }

  /** Writes committed offsets. @throws StaleGroup */
  async commit(loaded: LoadedGroup, offsets: readonly OffsetToCommit[]): Promise<void> {
    const { groupId } = loaded.group;
    const keys = [this.keys.state(groupId), this.keys.offsets(groupId)];
    const calls = chunks(offsets, this.limits.offsetsPerCallMax).map((chunk) => {
      const values = chunk.flatMap(({ topicId, partition, offset, leaderEpoch, metadata }) => [
        offsetField(topicId, partition),
        offset,
        leaderEpoch,
        metadata ?? '',
      ]);
      return commitScript.run(this.redis.write, keys, [loaded.fence, ...values]);
    });
    for (const reply of await settleAll(calls)) this.#checkFence(groupId, reply);
  }

  /**
   * Removes a group and its offsets; its place in the index goes with the next sweep. @throws
   * StaleGroup
   */
  async delete(loaded: LoadedGroup): Promise<void> {
    const { groupId } = loaded.group;
    const keys = [this.keys.state(groupId), this.keys.offsets(groupId)];
    this.#checkFence(groupId, await deleteScript.run(this.redis.write, keys, [loaded.fence]));
  }

  /** Removes some committed offsets. @throws StaleGroup */
  async deleteOffsets(
    loaded: LoadedGroup,
    partitions: readonly { topicId: string; partition: number }[],
  ): Promise<void> {
    const { groupId } = loaded.group;
    const keys = [this.keys.state(groupId), this.keys.offsets(groupId)];
    for (const chunk of chunks(partitions, this.limits.offsetsPerCallMax)) {
      const fields = chunk.map(({ topicId, partition }) => offsetField(topicId, partition));
      const reply = await deleteOffsetsScript.run(this.redis.write, keys, [
        loaded.fence,
        ...fields,
      ]);
      this.#checkFence(groupId, reply);
    }
  }

  /** Reads committed offsets in the order asked for; -1 where there is none. */
  async fetch(
    groupId: string,
    partitions: readonly { topicId: string; partition: number }[],
  ): Promise<CommittedOffset[]> {
    const found: CommittedOffset[] = [];
    for (const chunk of chunks(partitions, this.limits.offsetsPerCallMax)) {
      const fields = chunk.map(({ topicId, partition }) => offsetField(topicId, partition));
      const command = this.redis.read.hmget(this.keys.offsets(groupId), ...fields);
      const values = await attempt('groups/fetch', command);
      for (const [index, { topicId, partition }] of chunk.entries()) {
        const value = values[index] ?? null;
        const nothing = { offset: -1, leaderEpoch: -1, metadata: '' };
        found.push({ topicId, partition, ...(value === null ? nothing : decodeOffset(value)) });
      }
    }
    return found;
  }

  /** Reads all committed offsets of a group. */
  async fetchAll(groupId: string): Promise<CommittedOffset[]> {
    const found = new Map<string, CommittedOffset>();
    let cursor = '0';
    do {
      const [next, pairs] = await attempt(
        'groups/fetch',
        this.redis.read.hscan(
          this.keys.offsets(groupId),
          cursor,
          'COUNT',
          this.limits.offsetsPerCallMax,
        ),
      );
      for (let at = 0; at < pairs.length; at += 2) {
        const field = pairs[at]!;
        // A scan may give an element twice.
        found.set(field, { ...parseOffsetField(field), ...decodeOffset(pairs[at + 1]!) });
      }
      cursor = next;
    } while (cursor !== '0');
    return [...found.values()];
  }

  /** One step through the index of groups; a cursor of '0' begins, and is given back at the end. */
  async scanIndex(cursor: string): Promise<{ cursor: string; groupIds: string[] }> {
    const [next, groupIds] = await attempt(
      'groups/scan',
      this.redis.read.sscan(this.keys.index, cursor, 'COUNT', this.limits.sweepStepCount),
    );
    return { cursor: next, groupIds };
  }

  /** The heads of groups, null for those that do not exist. */
  async heads(groupIds: readonly string[]): Promise<(StoredHead | null)[]> {
    const commands = groupIds.map((id) => this.redis.read.hget(this.keys.state(id), 'head'));
    const heads = await attempt('groups/heads', settleAll(commands));
    return heads.map((head) => (head === null ? null : decodeHead(head)));
  }

  /** One step of the expiry of a group's offsets, and of the group itself when nothing is left. */
  async expire(
    groupId: string,
    cursor: string,
  ): Promise<{ outcome: ExpiryOutcome; cursor: string; removed: number }> {
    const { offsetsRetentionMs, sweepStepCount } = this.limits;
    const [outcome, next, removed] = (await expireScript.run(
      this.redis.write,
      [this.keys.state(groupId), this.keys.offsets(groupId)],
      [offsetsRetentionMs, cursor, sweepStepCount],
    )) as [ExpiryOutcome, string, number];
    return { outcome, cursor: next, removed };
  }

  /** One step of the removal of a deleted topic's offsets from a group. */
  async removeTopic(groupId: string, topicId: string, cursor: string): Promise<string> {
    // Topic ids are base64url: nothing in them has a meaning in a pattern.
    const args = [offsetField(topicId, 0).replace(/0$/, '*'), cursor, this.limits.sweepStepCount];
    const keys = [this.keys.offsets(groupId)];
    return (await removeTopicScript.run(this.redis.write, keys, args)) as string;
  }

  /** Remembers that a topic's offsets are to be removed, until `forgetRemovedTopic`. */
  async addRemovedTopic(topicId: string): Promise<void> {
    await rememberScript.run(this.redis.write, [this.keys.removedTopics], [topicId]);
  }

  async removedTopics(): Promise<string[]> {
    return attempt('groups/topic', this.redis.write.smembers(this.keys.removedTopics));
  }

  async forgetRemovedTopic(topicId: string): Promise<void> {
    await attempt('groups/topic', this.redis.write.srem(this.keys.removedTopics, topicId));
  }

  #checkFence(groupId: string, reply: unknown): void {
    if (reply === 'stale') throw new StaleGroup(groupId);
  }
}

function followingFence(fence: string): string {
  const colon = fence.lastIndexOf(':');
  return `${fence.slice(0, colon)}:${Number(fence.slice(colon + 1)) + 1}`;
}

function chunks<T>(values: readonly T[], size: number): (readonly T[])[] {
  if (values.length <= size) return values.length === 0 ? [] : [values];
  const result: T[][] = [];
  for (let at = 0; at < values.length; at += size) result.push(values.slice(at, at + size));
  return result;
}

/** Like Promise.all, but leaves no rejection unhandled when several fail. */
async function settleAll<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
