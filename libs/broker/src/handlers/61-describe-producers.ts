import { type KnownProducer, topicNameProblem } from '@sluice/log';
import { DescribeProducers, ErrorCode } from '@sluice/wire';
import { eachItem } from '../admin-requests/items';
import { done, orRefusal, type Outcome, refuse } from '../admin-requests/outcome';
import { limits } from '../limits';
import type { BrokerServices } from '../requests/context';
import { handle } from '../requests/handler';
import { hasPartition } from '../requests/named-topic';

interface Asked {
  topic: string;
  partitionIndex: number;
}

/** What is left of the producers that one request may be told. */
interface Allowance {
  left: number;
}

/**
 * DescribeProducers, v0: the idempotent producers that a partition remembers, the latest first and
 * at most so many (describedProducersMax). Their last timestamp is the time of their last append.
 * There are no transactions, so none has one open. A partition that is named twice is refused. Not
 * covered: nothing.
 */
export const describeProducers = handle(DescribeProducers, async (context, { topics }) => {
  const allowance = { left: limits.describedProducersTotalMax };
  const items = topics.flatMap(({ name, partitionIndexes }) =>
    partitionIndexes.map((partitionIndex) => ({ topic: name, partitionIndex })),
  );
  const answers = await eachItem(
    context,
    {
      items,
      keyOf: ({ topic, partitionIndex }) => `${topic}/${partitionIndex}`,
      nameOf: ({ topic, partitionIndex }) => `partition ${partitionIndex} of '${topic}'`,
    },
    async (asked) => ({ ...asked, ...(await describe(context.services, asked, allowance)) }),
    (asked, outcome) => ({ ...asked, ...outcome, activeProducers: [] }),
  );
  const byTopic = new Map<string, typeof answers>(topics.map(({ name }) => [name, []]));
  for (const answer of answers) byTopic.get(answer.topic)!.push(answer);
  return { topics: [...byTopic].map(([name, partitions]) => ({ name, partitions })) };
});

async function describe(services: BrokerServices, asked: Asked, allowance: Allowance) {
  const found = await look(services, asked);
  if (!Array.isArray(found)) return { ...found, activeProducers: [] };
  if (found.length > allowance.left) {
    const message = 'The partitions have too many producers: ask for fewer partitions at a time';
    return { ...refuse(ErrorCode.INVALID_REQUEST, message), activeProducers: [] };
  }
  allowance.left -= found.length;
  const activeProducers = found.map(({ lastUsedMs, ...producer }) => ({
    ...producer,
    lastTimestamp: lastUsedMs,
  }));
  return { ...done, activeProducers };
}

/** The partition's producers, or why they are not told. */
function look(
  { catalog, partitions: { store } }: BrokerServices,
  { topic: name, partitionIndex }: Asked,
): Promise<KnownProducer[] | Outcome> | Outcome {
  const topic = catalog.byName(name);
  const { INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
  if (!hasPartition(topic, partitionIndex)) {
    const problem = topic ? null : topicNameProblem(name);
    if (problem) return refuse(INVALID_TOPIC_EXCEPTION, problem);
    const message = `There is no partition ${partitionIndex} of '${name}'`;
    return refuse(UNKNOWN_TOPIC_OR_PARTITION, message);
  }
  const ref = { topic: name, topicId: topic.id, partition: partitionIndex };
  return orRefusal(() => store.producers(ref, limits.describedProducersMax));
}
