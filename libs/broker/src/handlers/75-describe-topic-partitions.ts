import { topicNameProblem } from '@sluice/log';
import {
  DescribeTopicPartitions,
  ErrorCode,
  type ErrorCodeValue,
  noAuthorizedOperations,
  type RequestOf,
  zeroUuid,
} from '@sluice/wire';
import { describeTopic } from '../admin-requests/described-topic';
import { limits } from '../limits';
import { authorizedOperations } from '../requests/authorized-operations';
import type { BrokerServices } from '../requests/context';
import { handle } from '../requests/handler';
import { inTurns } from '../requests/in-turns';

type Asked = RequestOf<typeof DescribeTopicPartitions>;

/** Some partitions of a topic, from the first on; a topic that is not known has none. */
interface Piece {
  topic: string;
  from: number;
  count: number;
}

/** What one answer holds, and where the next one goes on. */
interface Page {
  pieces: Piece[];
  nextCursor: Asked['cursor'];
}

/**
 * DescribeTopicPartitions, v0: topics in the order of their names, so many partitions at a time,
 * and a cursor for the next page; no topics means all. A topic's authorized operations are always
 * told, as Kafka does. A cursor that points to none of the topics asked for is INVALID_REQUEST; one
 * to a topic that is gone goes on behind it, where all are asked for. There is one replica of each
 * partition, so no other one is eligible to lead it.
 */
export const describeTopicPartitions = handle(
  DescribeTopicPartitions,
  async ({ services }, request) => {
    if (!isSound(request)) {
      const refused = request.topics.map(({ name }) => missing(name, ErrorCode.INVALID_REQUEST));
      return { topics: refused, nextCursor: null };
    }
    const { pieces, nextCursor } = pageOf(services, request);
    const topics = await inTurns(pieces, limits.topicsAtOnceMax, (piece) => tell(services, piece));
    return { topics, nextCursor };
  },
);

function isSound({ topics, cursor }: Asked): boolean {
  if (cursor === null) return true;
  const isAmong = topics.length === 0 || topics.some(({ name }) => name === cursor.topicName);
  return isAmong && cursor.partitionIndex >= 0;
}

/** What the next answer is about, before anything is looked up. */
function pageOf({ catalog }: BrokerServices, { topics, cursor, ...asked }: Asked): Page {
  const first = cursor?.topicName ?? '';
  const named = topics.length === 0 ? catalog.list() : topics;
  const names = new Set(named.map(({ name }) => name).filter((name) => name >= first));
  const pieces: Piece[] = [];
  let room = Math.max(1, Math.min(asked.responsePartitionLimit, limits.describedPartitionsMax));
  for (const topic of [...names].sort()) {
    if (room === 0) return { pieces, nextCursor: { topicName: topic, partitionIndex: 0 } };
    const from = cursor !== null && topic === first ? cursor.partitionIndex : 0;
    const left = Math.max(0, (catalog.byName(topic)?.partitions ?? 0) - from);
    const count = Math.min(left, room);
    pieces.push({ topic, from, count });
    if (count < left) {
      return { pieces, nextCursor: { topicName: topic, partitionIndex: from + count } };
    }
    room -= count;
  }
  return { pieces, nextCursor: null };
}

async function tell(services: BrokerServices, { topic: name, from, count }: Piece) {
  const topic = services.catalog.byName(name);
  if (topic === undefined) {
    const { INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    if (topicNameProblem(name)) return missing(name, INVALID_TOPIC_EXCEPTION);
    const unknown = missing(name, UNKNOWN_TOPIC_OR_PARTITION);
    return { ...unknown, topicAuthorizedOperations: authorizedOperations('topic', true) };
  }
  const { partitions, ...described } = await describeTopic(services, topic, { from, count });
  const withReplicas = partitions.map((partition) => ({
    ...partition,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
  }));
  const topicAuthorizedOperations = authorizedOperations('topic', true);
  return { ...described, partitions: withReplicas, topicAuthorizedOperations };
}

function missing(name: string, errorCode: ErrorCodeValue) {
  return {
    errorCode,
    name,
    topicId: zeroUuid,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: noAuthorizedOperations,
  };
}
