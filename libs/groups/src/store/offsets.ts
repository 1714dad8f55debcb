import { attempt, RedisReplyError, UnknownOutcome, type RedisLink } from '@sluice/redis';
import type { CommittedOffset, OffsetToCommit } from '../api';
import type { GroupLimits } from '../limits';
import { notAHash, StaleGroup, UnreadableGroup } from './errors';
import { checkFormat, formatField, lineageField, offsetsFormat } from './format';
import { GroupKeys } from './keys';
import { chunks, settleAll } from './lists';
import { decodeOffset, noOffset, offsetField, parseOffsetField } from './offset-codec';
import { readable } from './readable';
import {
  commitOwnedScript,
  commitScript,
  deleteOffsetsScript,
  openOffsetsScript,
  removeTopicScript,
} from './scripts';

/** How far a member has come in a partition that it has. */
export interface OwnOffset {
  topicId: string;
  partition: number;
  /** As it was granted. */
  ownerEpoch: number;
  /** The first offset that is not handled. */
  offset: number;
  /** -1 when it is not known. */
  leaderEpoch: number;
  metadata?: string;
}

/** A partition by its topic's id. */
export interface PartitionId {
  topicId: string;
  partition: number;
}

/**
 * Committed offsets in Redis, one store for all kinds of groups. Each has a lineage, a number that
 * rises whenever somebody else than the partition's owner, by its own acknowledgements, sets it: so
 * an owner that goes on from what it had handled itself can tell whether it was overtaken. Writes
 * name the fence of the group's owner.
 *
 * All methods throw what `RedisLink` throws.
 */
export class CommittedOffsets {
  private readonly keys: GroupKeys;

  constructor(
    private readonly redis: RedisLink,
    private readonly limits: GroupLimits,
  ) {
    this.keys = new GroupKeys(redis.keyPrefix);
  }

  /**
   * Makes the key of a group's offsets, if it is not there. To be called before the first use.
   *
   * @throws UnreadableGroup
   */
  async open(groupId: string): Promise<void> {
    const keys = this.keys.of(groupId);
    const args = { format: offsetsFormat };
    const { tag } = await openOffsetsScript.call(this.redis.write, keys, args);
    if (tag === 'unreadable') throw new UnreadableGroup(keys.offsets, notAHash);
  }

  /**
   * Writes offsets, each with a higher lineage: commits of Kafka clients, and resets.
   *
   * @throws StaleGroup, UnreadableGroup where a newer gateway has committed
   */
  async commit(groupId: string, fence: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    const keys = this.keys.of(groupId);
    const calls = chunks(offsets, this.limits.offsetsPerCallMax).map((chunk) => {
      const values = chunk.flatMap(({ topicId, partition, offset, leaderEpoch, metadata }) => [
        offsetField(topicId, partition),
        offset,
        leaderEpoch,
        metadata ?? '',
      ]);
      const args = { fence, format: offsetsFormat, offsets: values };
      return commitScript.call(this.redis.write, keys, args);
    });
    for (const { tag } of await settleAll(calls)) {
      if (tag === 'stale') throw new StaleGroup(groupId);
      if (tag === 'newer') throw newerCommit(keys.offsets);
    }
  }

  /**
   * Writes the offsets that a member has come to by its own acknowledgements, of those partitions
   * that it has; each keeps its lineage.
   *
   * @returns the lineages in the order asked for, 0 for a partition that is not the member's; null
   *   where it is no member
   * @throws UnreadableGroup where a newer version has committed
   */
  async commitOwned(
    groupId: string,
    claim: { memberId: string; memberEpoch: number; sequence: number },
    offsets: readonly OwnOffset[],
  ): Promise<readonly number[] | null> {
    const keys = this.keys.of(groupId);
    const values = offsets.flatMap((one) => {
      const { topicId, partition, ownerEpoch, offset, leaderEpoch, metadata = '' } = one;
      return [offsetField(topicId, partition), ownerEpoch, offset, leaderEpoch, metadata];
    });
    const args = { ...claim, format: offsetsFormat, offsets: values };
    const reply = await commitOwnedScript.call(this.redis.write, keys, args);
    switch (reply.tag) {
      case 'committed':
        return reply.lineages;
      case 'fenced':
        return null;
      case 'late':
        throw new UnknownOutcome('groups/commit-owned', {}, 'a later commit came first');
      case 'newer':
        throw newerCommit(keys.offsets);
    }
  }

  /** Removes some offsets. @throws StaleGroup */
  async delete(groupId: string, fence: string, partitions: readonly PartitionId[]): Promise<void> {
    const keys = this.keys.of(groupId);
    for (const chunk of chunks(partitions, this.limits.offsetsPerCallMax)) {
      const fields = chunk.map(({ topicId, partition }) => offsetField(topicId, partition));
      const reply = await deleteOffsetsScript.call(this.redis.write, keys, { fence, fields });
      if (reply.tag === 'stale') throw new StaleGroup(groupId);
    }
  }

  /**
   * Reads offsets in the order asked for; -1 where there is none.
   *
   * @throws UnreadableGroup
   */
  async fetch(groupId: string, partitions: readonly PartitionId[]): Promise<CommittedOffset[]> {
    const key = this.keys.offsets(groupId);
    const found: CommittedOffset[] = [];
    for (const chunk of chunks(partitions, this.limits.offsetsPerCallMax)) {
      const fields = chunk.map(({ topicId, partition }) => offsetField(topicId, partition));
      const command = this.redis.read.hmget(key, formatField, ...fields);
      const [format, ...values] = await readable(key, attempt('groups/fetch', command));
      checkFormat(key, format ?? null, offsetsFormat);
      for (const [index, { topicId, partition }] of chunk.entries()) {
        const value = values[index] ?? null;
        const offset = value === null ? noOffset : decodeOffset(key, fields[index]!, value);
        found.push({ topicId, partition, ...offset });
      }
    }
    return found;
  }

  /** Reads all committed offsets of a group. @throws UnreadableGroup */
  async fetchAll(groupId: string): Promise<CommittedOffset[]> {
    const key = this.keys.offsets(groupId);
    const count = this.limits.offsetsPerCallMax;
    const found = new Map<string, CommittedOffset>();
    let cursor = '0';
    do {
      const command = this.redis.read.hscan(key, cursor, 'COUNT', count);
      const [next, pairs] = await readable(key, attempt('groups/fetch', command));
      for (let at = 0; at < pairs.length; at += 2) {
        const [field, value] = [pairs[at]!, pairs[at + 1]!];
        if (field === formatField) checkFormat(key, value, offsetsFormat);
        // A scan may give an element twice.
        else if (field !== lineageField)
          found.set(field, { ...parseOffsetField(field), ...decodeOffset(key, field, value) });
      }
      cursor = next;
    } while (cursor !== '0');
    return [...found.values()];
  }

  /** One step of the removal of a deleted topic's offsets from a group. */
  async removeTopic(groupId: string, topicId: string, cursor: string): Promise<string> {
    // Topic ids are base64url: nothing in them has a meaning in a pattern.
    const pattern = offsetField(topicId, 0).replace(/0$/, '*');
    const args = { pattern, cursor, count: this.limits.sweepStepCount };
    const reply = await removeTopicScript.call(this.redis.write, this.keys.of(groupId), args);
    // Whoever reads the group will say that its offsets are no hash; none of the topic are in
    // there.
    return reply.tag === 'scanned' ? reply.cursor : '0';
  }

  /**
   * One step through the topics of which a group has offsets, whose ids are added to `topicIds`.
   * What is no hash has none.
   */
  async scanTopics(groupId: string, cursor: string, topicIds: Set<string>): Promise<string> {
    const { sweepStepCount } = this.limits;
    const key = this.keys.offsets(groupId);
    let scanned: [string, string[]];
    try {
      const scan = this.redis.write.hscan(key, cursor, 'COUNT', sweepStepCount);
      scanned = await attempt('groups/offsets', scan);
    } catch (error) {
      if (error instanceof RedisReplyError && error.message.startsWith('WRONGTYPE')) return '0';
      throw error;
    }
    const [next, pairs] = scanned;
    for (let at = 0; at < pairs.length; at += 2) {
      const field = pairs[at]!;
      if (field.includes('/')) topicIds.add(parseOffsetField(field).topicId);
    }
    return next;
  }
}

function newerCommit(key: string): UnreadableGroup {
  return new UnreadableGroup(key, 'a newer gateway has committed there', true);
}
