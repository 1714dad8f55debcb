import type { OffsetToCommit } from '@sluice/groups';
import { ErrorCode, OffsetCommit } from '@sluice/wire';
import { codeForClients } from '../group-requests/code-for-clients';
import { hasPartition } from '../requests/named-topic';
import { handle } from '../requests/handler';

/** A partition's line in the response. */
interface Line {
  partitionIndex: number;
  errorCode: number;
}

/**
 * OffsetCommit, v2–v9. v2–v4: a retention time, which is ignored as in Kafka since 2.1. v6: leader
 * epochs. v7: static members. v8: flexible. Unknown partitions are refused one by one and the
 * others are committed; an error of the group stands at each of these. Not covered: member epochs
 * of KIP-848 (v9), as there are no such groups.
 */
export const offsetCommit = handle(OffsetCommit, async ({ services }, request) => {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = request;
  const offsets: OffsetToCommit[] = [];
  const lines: Line[] = [];
  const topics = request.topics.map(({ name, partitions }) => {
    const topic = services.catalog.byName(name);
    const all = partitions.map((asked): Line => {
      const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } = asked;
      if (!hasPartition(topic, partitionIndex)) {
        return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
      }
      offsets.push({
        topicId: topic.id,
        topic: name,
        partition: partitionIndex,
        offset: committedOffset,
        leaderEpoch: committedLeaderEpoch,
        metadata: committedMetadata,
      });
      const line: Line = { partitionIndex, errorCode: ErrorCode.NONE };
      lines.push(line);
      return line;
    });
    return { name, partitions: all };
  });
  // Without offsets the group need not even exist.
  if (offsets.length === 0) return { topics };
  const commit = { groupId, generationId, memberId, groupInstanceId, offsets };
  const { partitions } = await services.groups.commitOffsets(commit);
  for (const [index, { errorCode }] of partitions.entries()) {
    lines[index]!.errorCode = codeForClients(errorCode);
  }
  return { topics };
});
