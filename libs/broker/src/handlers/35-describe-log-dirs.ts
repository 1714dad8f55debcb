import type { PartitionRef } from '@sluice/log';
import type { ServerMemory } from '@sluice/redis';
import { DescribeLogDirs, ErrorCode, type RequestOf, type ResponseInput } from '@sluice/wire';
import { logDir } from '../admin-requests/log-dir';
import type { BrokerServices } from '../requests/context';
import { orReadError } from '../requests/error-codes';
import { handle } from '../requests/handler';
import { hasPartition } from '../requests/named-topic';

type Asked = RequestOf<typeof DescribeLogDirs>['topics'];
type Described = Omit<ResponseInput<typeof DescribeLogDirs>['results'][number], 'logDir'>;
type PartitionSize = Described['topics'][number]['partitions'][number];

/** What Kafka says of a volume whose size is not known. */
const unknownBytes = -1;

/**
 * DescribeLogDirs, v1–v5. v2: flexible. v3: an error of the whole (none is given). v4: sizes of the
 * volume. v5: whether it takes no new partitions. There is one directory: this Redis, below the key
 * prefix; of partitions, those that this broker may lead. A partition's size is that of its
 * batches, as they were produced; the volume's is Redis' `maxmemory`, and what is free of it, or −1
 * where it has no limit. As in Kafka, partitions that do not exist are left out, and a directory
 * that cannot be read has KAFKA_STORAGE_ERROR.
 */
export const describeLogDirs = handle(DescribeLogDirs, async ({ services }, { topics }) => {
  const described = await orReadError<Described>(
    () => describe(services, partitionsAskedFor(services, topics)),
    (errorCode) => ({ errorCode, topics: [] }),
  );
  return { results: [{ logDir: logDir(services), ...described }] };
});

async function describe(
  { redis, partitions }: BrokerServices,
  refs: readonly PartitionRef[],
): Promise<Described> {
  const [sizes, memory] = await Promise.all([partitions.store.sizes(refs), redis.memory()]);
  const topics = new Map<string, PartitionSize[]>();
  for (const [at, { topic, partition: partitionIndex }] of refs.entries()) {
    const size = sizes[at] ?? null;
    if (size === null) continue;
    const described = topics.get(topic) ?? [];
    topics.set(topic, described);
    const partitionSize = size.bytes;
    described.push({ partitionIndex, partitionSize, offsetLag: 0, isFutureKey: false });
  }
  return {
    errorCode: ErrorCode.NONE,
    topics: [...topics].map(([name, described]) => ({ name, partitions: described })),
    ...volume(memory),
  };
}

/** How large Redis may become, and what of that is free. */
function volume({ maxBytes, usedBytes }: ServerMemory) {
  if (maxBytes === 0) return { totalBytes: unknownBytes, usableBytes: unknownBytes };
  return { totalBytes: maxBytes, usableBytes: Math.max(0, maxBytes - usedBytes) };
}

/** Each partition once, however often it is named; null means all. */
function partitionsAskedFor({ catalog, cluster }: BrokerServices, asked: Asked): PartitionRef[] {
  const indexes = new Map<string, Set<number>>();
  const everything = catalog.list().map(({ name, partitions }) => {
    return { topic: name, partitions: Array.from({ length: partitions }, (_, index) => index) };
  });
  for (const { topic, partitions } of asked ?? everything) {
    const known = indexes.get(topic) ?? new Set();
    indexes.set(topic, known);
    for (const index of partitions) known.add(index);
  }
  return [...indexes].flatMap(([name, ofTopic]) => {
    const topic = catalog.byName(name);
    const isReplica = (partition: number): boolean => {
      if (!hasPartition(topic, partition)) return false;
      return cluster.placementOf(topic, partition).replicas.includes(cluster.selfId);
    };
    return [...ofTopic]
      .filter(isReplica)
      .map((partition) => ({ topic: name, topicId: topic!.id, partition }));
  });
}
