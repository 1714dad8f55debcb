import { ElectLeaders, ErrorCode } from '@sluice/wire';
import { done, type Outcome, refuse } from '../admin-requests/outcome';
import type { BrokerServices } from '../requests/context';
import { handle } from '../requests/handler';
import { hasPartition } from '../requests/named-topic';

/** The highest number of a kind of election: 0 prefers the first replica, 1 takes any. */
const electionTypeMax = 1;

/**
 * ElectLeaders, v0–v2. v1: kinds of election. v2: flexible. This gateway leads every partition, so
 * that no election is needed: ELECTION_NOT_NEEDED for each that is named. Asked for all, Kafka
 * names only those that have another leader then, which is none.
 */
export const electLeaders = handle(ElectLeaders, ({ services }, request) => {
  const { electionType, topicPartitions } = request;
  const isKnown = electionType >= 0 && electionType <= electionTypeMax;
  const { errorCode, errorMessage } = isKnown
    ? done
    : refuse(ErrorCode.INVALID_REQUEST, `Unknown election type ${electionType}`);
  if (topicPartitions === null) {
    const topics = isKnown ? services.catalog.list() : [];
    const nobody = topics.map(({ name }) => ({ topic: name, partitionResult: [] }));
    return { errorCode, replicaElectionResults: nobody };
  }
  const replicaElectionResults = topicPartitions.map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => {
      const outcome = isKnown ? elect(services, topic, partitionId) : { errorCode, errorMessage };
      return { partitionId, ...outcome };
    }),
  }));
  return { errorCode, replicaElectionResults };
});

function elect({ catalog }: BrokerServices, name: string, partition: number): Outcome {
  const topic = catalog.byName(name);
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (topic === undefined) return refuse(unknown, `There is no topic '${name}'`);
  if (!hasPartition(topic, partition)) {
    return refuse(unknown, `Topic '${name}' has no partition ${partition}`);
  }
  return refuse(ErrorCode.ELECTION_NOT_NEEDED, 'The leader is the one that was asked for');
}
