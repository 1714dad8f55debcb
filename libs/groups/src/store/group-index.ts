import { attempt, type RedisLink } from '@sluice/redis';
import type { GroupLimits } from '../limits';
import { GroupKeys } from './keys';
import { rememberScript } from './scripts';

/**
 * Which groups there are, and which deleted topics are still to be removed from them. It is in
 * another slot than the groups, so it may name groups that are not there, but it misses none: an id
 * is in it before its group exists.
 *
 * All methods throw what `RedisLink` throws.
 */
export class GroupIndex {
  private readonly keys: GroupKeys;

  constructor(
    private readonly redis: RedisLink,
    private readonly limits: GroupLimits,
  ) {
    this.keys = new GroupKeys(redis.keyPrefix);
  }

  async add(groupId: string): Promise<void> {
    await rememberScript.call(this.redis.write, { names: this.keys.index }, { name: groupId });
  }

  async has(groupId: string): Promise<boolean> {
    const { write } = this.redis;
    const found = await attempt('groups/index', write.sismember(this.keys.index, groupId));
    return found === 1;
  }

  /** Takes a group that is gone out; if it was made again just then, it is put back. */
  async remove(groupId: string): Promise<void> {
    const { write } = this.redis;
    await attempt('groups/index', write.srem(this.keys.index, groupId));
    const exists = await attempt('groups/index', write.exists(this.keys.state(groupId)));
    if (exists === 1) await this.add(groupId);
  }

  /** One step through all ids; a cursor of '0' begins, and is given back at the end. */
  async scan(cursor: string): Promise<{ cursor: string; groupIds: string[] }> {
    const [next, groupIds] = await attempt(
      'groups/scan',
      this.redis.read.sscan(this.keys.index, cursor, 'COUNT', this.limits.sweepStepCount),
    );
    return { cursor: next, groupIds };
  }

  /** Remembers that a topic's offsets are to be removed, until `forgetRemovedTopic`. */
  async addRemovedTopic(topicId: string): Promise<void> {
    const names = this.keys.removedTopics;
    await rememberScript.call(this.redis.write, { names }, { name: topicId });
  }

  async removedTopics(): Promise<string[]> {
    return attempt('groups/topic', this.redis.write.smembers(this.keys.removedTopics));
  }

  async forgetRemovedTopic(topicId: string): Promise<void> {
    await attempt('groups/topic', this.redis.write.srem(this.keys.removedTopics, topicId));
  }
}
