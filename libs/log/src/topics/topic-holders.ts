import type { RedisLink } from '@sluice/redis';
import { registryKeys, type PartitionRef } from '../keys';
import { lostMarkRecord } from './registry-mark';
import { decodeRecord, readSweepEntry, registryMark } from './topic';
import { holdersScript } from './topic-scripts';

/** Whose partitions there may be in Redis. */
export interface TopicHolders {
  /** Ids of topics, and how many of their partitions may have been made. */
  topics: ReadonlyMap<string, number>;
  /** The same of topics that are being made, and of what is being swept. */
  passing: ReadonlyMap<string, number>;
  /**
   * False where the registry is not what a gateway leaves: it lacks its mark or was made anew after
   * its topics were lost, or it has topics that cannot be read. Then it does not tell what belongs
   * to nothing.
   */
  isWhole: boolean;
}

/**
 * Reads whose partitions there may be. Each partition's owner is noted here before the partition is
 * made, and until its keys are gone; so what was seen in Redis before this is asked, and is not
 * among it, belongs to nothing, and never will: ids of topics do not come back.
 *
 * @throws RedisUnavailable | UnknownOutcome
 */
export async function readTopicHolders(redis: RedisLink): Promise<TopicHolders> {
  const keys = registryKeys(redis.keyPrefix, redis.db);
  const reply = await holdersScript.call(redis.write, keys, {});
  const topics = new Map<string, number>();
  let isMarked = false;
  let isWhole = true;
  for (let at = 0; at < reply.topics.length; at += 2) {
    if (reply.topics[at] === registryMark) {
      isMarked = reply.topics[at + 1] !== lostMarkRecord;
      continue;
    }
    try {
      const { topic, prepared } = decodeRecord(reply.topics[at + 1]!);
      topics.set(topic.id, Math.max(prepared, topic.partitions));
    } catch {
      isWhole = false;
    }
  }
  const passing = new Map<string, number>();
  for (const entry of reply.entries) {
    if (entry === registryMark) continue;
    const { topicId, prepared } = readSweepEntry(entry);
    passing.set(topicId, prepared);
  }
  return { topics, passing, isWhole: isMarked && isWhole };
}

/** What somebody's claim to a partition is. */
export function holderOf(
  { topics, passing }: TopicHolders,
  { topicId, partition }: Pick<PartitionRef, 'topicId' | 'partition'>,
): 'topic' | 'passing' | 'nobody' {
  if (partition < (topics.get(topicId) ?? 0)) return 'topic';
  return partition < (passing.get(topicId) ?? 0) ? 'passing' : 'nobody';
}
