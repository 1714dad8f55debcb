import type { DeleteOffsetsRequest } from '@sluice/groups';
import { ErrorCode, OffsetDelete } from '@sluice/wire';
import { codeForClients } from '../group-requests/code-for-clients';
import { hasPartition } from '../requests/named-topic';
import { handle } from '../requests/handler';

/** A partition's line in the response. */
interface Line {
  partitionIndex: number;
  errorCode: number;
}

/**
 * OffsetDelete, v0 (KIP-496). Forgets offsets of topics that no member is subscribed to. Unknown
 * partitions are refused one by one; an error of the whole group comes without topics. Not covered:
 * nothing.
 */
export const offsetDelete = handle(OffsetDelete, async ({ services }, request) => {
  const known: DeleteOffsetsRequest['partitions'] = [];
  const lines: Line[] = [];
  const topics = request.topics.map(({ name, partitions }) => {
    const topic = services.catalog.byName(name);
    const all = partitions.map(({ partitionIndex }): Line => {
      if (!hasPartition(topic, partitionIndex)) {
        return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
      }
      known.push({ topicId: topic.id, topic: name, partition: partitionIndex });
      const line: Line = { partitionIndex, errorCode: ErrorCode.NONE };
      lines.push(line);
      return line;
    });
    return { name, partitions: all };
  });
  const { groupId } = request;
  const { errorCode, partitions } = await services.groups.deleteOffsets({
    groupId,
    partitions: known,
  });
  if (errorCode !== ErrorCode.NONE) return { errorCode: codeForClients(errorCode), topics: [] };
  for (const [index, result] of partitions.entries()) lines[index]!.errorCode = result.errorCode;
  return { errorCode, topics };
});
