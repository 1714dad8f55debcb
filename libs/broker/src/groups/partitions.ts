import type { Topic } from '@sluice/log';

/** Whether the topic exists and has the partition. */
export function hasPartition(topic: Topic | undefined, partition: number): topic is Topic {
  return topic !== undefined && partition >= 0 && partition < topic.partitions;
}
