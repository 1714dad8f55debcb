import type { CommittedOffset } from '@sluice/groups';
import { ErrorCode } from '@sluice/wire';
import type { BrokerServices } from '../requests/context';

/** Which offsets: some partitions of some topics, or (null) all that the group has committed. */
export type OffsetsAsked = { name: string; partitionIndexes: number[] }[] | null;

interface PartitionOffset {
  partitionIndex: number;
  committedOffset: number;
  committedLeaderEpoch: number;
  metadata: string;
  errorCode: number;
}

/** A group's offsets in the fields of the response; no topics when the whole was refused. */
export interface GroupOffsets {
  errorCode: number;
  topics: { name: string; partitions: PartitionOffset[] }[];
}

/**
 * What a group has committed. A partition without an offset, of a topic that exists or not, has
 * offset -1 and no error, as in Kafka; offsets of deleted topics are not told.
 */
export async function committedOffsets(
  { catalog, groups }: BrokerServices,
  groupId: string,
  asked: OffsetsAsked,
): Promise<GroupOffsets> {
  const named = asked?.map((topic) => ({ ...topic, id: catalog.byName(topic.name)?.id }));
  const known = named?.flatMap(({ id, partitionIndexes }) =>
    id === undefined ? [] : partitionIndexes.map((partition) => ({ topicId: id, partition })),
  );
  const { errorCode, offsets } = await groups.fetchOffsets({ groupId, partitions: known ?? null });
  if (errorCode !== ErrorCode.NONE) return { errorCode, topics: [] };
  if (!named) return { errorCode, topics: byTopic(catalog, offsets) };
  const found = new Map(offsets.map((offset) => [keyOf(offset), offset]));
  const topics = named.map(({ name, id, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partition) => {
      const offset = id === undefined ? undefined : found.get(keyOf({ topicId: id, partition }));
      return offset ? told(offset) : withoutOffset(partition, ErrorCode.NONE);
    }),
  }));
  return { errorCode, topics };
}

/** A partition without an offset, or with an error in its place. */
export function withoutOffset(partitionIndex: number, errorCode: number): PartitionOffset {
  return {
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode,
  };
}

function told({ partition, offset, leaderEpoch, metadata }: CommittedOffset): PartitionOffset {
  return {
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: ErrorCode.NONE,
  };
}

function byTopic(catalog: BrokerServices['catalog'], offsets: CommittedOffset[]) {
  const topics = new Map<string, PartitionOffset[]>();
  for (const offset of offsets) {
    const name = catalog.byId(offset.topicId)?.name;
    if (name === undefined) continue;
    const partitions = topics.get(name);
    if (partitions) partitions.push(told(offset));
    else topics.set(name, [told(offset)]);
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}

function keyOf({ topicId, partition }: { topicId: string; partition: number }): string {
  return `${topicId}/${partition}`;
}
