import { PartitionStore } from '@sluice/log';
import { compressionOf, readBatchHeader, type CompressionName } from '@sluice/records';
import { AppendCalls } from '../../libs/log/test/append-calls';
import { appendedAs } from './batches';
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

/**
 * Puts a batch into a partition of a topic past the gateway, as an older version might have stored
 * it: nothing looks at what it holds.
 */
export async function storeUnchecked(
  { catalog, link }: TestBroker,
  name: string,
  batch: Buffer,
  partition = 0,
): Promise<void> {
  const topic = catalog.byName(name);
  if (topic === undefined) throw new Error(`there is no topic ${name}`);
  const ref = { topic: name, topicId: topic.id, partition };
  const reply = await new AppendCalls(link).append(ref, -1, [appendedAs(batch)]);
  if ('refused' in reply) throw new Error(`a batch for ${name} is refused: ${reply.refused}`);
}
