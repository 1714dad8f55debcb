import type { PartitionSize, PartitionRef, PartitionStore, Topic, TopicCatalog } from '@sluice/log';
import { Problem } from '../http/problems';
import type { TopicSize } from './topic.views';

/**
 * The topic of a name.
 *
 * @throws Problem where there is none
 */
export function findTopic(catalog: TopicCatalog, name: string): Topic {
  const topic = catalog.byName(name);
  if (topic) return topic;
  throw new Problem('unknown-topic', `There is no topic '${name}'. GET /v1/topics lists them.`);
}

/** The partitions from…to-1 of a topic. */
export function partitionRefs({ name, id }: Topic, from: number, to: number): PartitionRef[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => {
    return { topic: name, topicId: id, partition: from + index };
  });
}

/**
 * How much is in each of some topics.
 *
 * @throws RedisUnavailable | UnknownOutcome
 */
export async function topicSizes(
  store: PartitionStore,
  topics: readonly Topic[],
): Promise<TopicSize[]> {
  const refs = topics.flatMap((topic) => partitionRefs(topic, 0, topic.partitions));
  const sizes = await store.sizes(refs);
  let at = 0;
  return topics.map(({ partitions }) => sum(sizes.slice(at, (at += partitions))));
}

function sum(sizes: readonly (PartitionSize | null)[]): TopicSize {
  const size = { records: 0, bytes: 0 };
  for (const one of sizes) {
    // A partition of a topic that was deleted meanwhile.
    if (!one) continue;
    size.records += one.logEndOffset - one.logStartOffset;
    size.bytes += one.bytes;
  }
  return size;
}
