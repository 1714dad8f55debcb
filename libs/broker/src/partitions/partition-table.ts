import type { Topic } from '@sluice/log';
import type { Partition } from './partition';

/** Partitions in memory, by topic and index. */
export class PartitionTable {
  private readonly byTopicId = new Map<string, Map<number, Partition>>();

  /** How many there are. */
  get count(): number {
    let count = 0;
    for (const partitions of this.byTopicId.values()) count += partitions.size;
    return count;
  }

  get(topicId: string, index: number): Partition | undefined {
    return this.byTopicId.get(topicId)?.get(index);
  }

  add(partition: Partition): void {
    const { topicId, partition: index } = partition.ref;
    let ofTopic = this.byTopicId.get(topicId);
    if (!ofTopic) this.byTopicId.set(topicId, (ofTopic = new Map()));
    ofTopic.set(index, partition);
  }

  /** Takes it out, unless another is in its place already. */
  remove(partition: Partition): void {
    const { topicId, partition: index } = partition.ref;
    const ofTopic = this.byTopicId.get(topicId);
    if (ofTopic?.get(index) !== partition) return;
    ofTopic.delete(index);
    if (ofTopic.size === 0) this.byTopicId.delete(topicId);
  }

  /** Takes out all of a topic. */
  removeTopic({ id }: Pick<Topic, 'id'>): Partition[] {
    const partitions = [...(this.byTopicId.get(id)?.values() ?? [])];
    this.byTopicId.delete(id);
    return partitions;
  }

  /** Those of a topic. Others may be taken out or added meanwhile. */
  ofTopic(topicId: string): Iterable<Partition> {
    return this.byTopicId.get(topicId)?.values() ?? [];
  }

  *[Symbol.iterator](): Iterator<Partition> {
    for (const partitions of this.byTopicId.values()) yield* partitions.values();
  }
}
