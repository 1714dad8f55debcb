import { PartitionStore } from '@sluice/log';
import { compressionOf, readBatchHeader, type CompressionName } from '@sluice/records';
import type { TestBroker } from './broker';

const entriesMax = 10_000;

/** The compressions of all batches of a topic, as they lie in Redis. */
export async function storedCompressions(
  { catalog, link }: TestBroker,
  name: string,
): Promise<Set<CompressionName>> {
  const topic = catalog.byName(name);
  if (topic === undefined) throw new Error(`there is no topic ${name}`);
  const store = new PartitionStore(link);
  const found = new Set<CompressionName>();
  for (let partition = 0; partition < topic.partitions; partition++) {
    const ref = { topic: name, topicId: topic.id, partition };
    for (const { bytes } of await store.read(ref, 0, { entries: entriesMax })) {
      found.add(compressionOf(readBatchHeader(bytes).attributes));
    }
  }
  return found;
}
