import { AlterPartitionReassignments, ErrorCode } from '@sluice/wire';
import { replicasProblem } from '../admin-requests/assignments';
import { done, type Outcome, refuse } from '../admin-requests/outcome';
import type { BrokerServices } from '../requests/context';
import { handle } from '../requests/handler';
import { hasPartition } from '../requests/named-topic';

/** Where a client wants a partition: null cancels a move that is under way. */
interface Wish {
  topic: string;
  partitionIndex: number;
  replicas: readonly number[] | null;
}

/**
 * AlterPartitionReassignments, v0–v1 (v1: whether the number of replicas may change). With one
 * broker partitions are where they can be: to put one on this broker changes nothing, and any other
 * place is refused with INVALID_REPLICA_ASSIGNMENT. There is nothing to cancel either.
 */
export const alterPartitionReassignments = handle(
  AlterPartitionReassignments,
  ({ services }, { topics, allowReplicationFactorChange }) => {
    const responses = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, replicas }) => ({
        partitionIndex,
        ...reassign(services, { topic: name, partitionIndex, replicas }),
      })),
    }));
    return { ...done, allowReplicationFactorChange, responses };
  },
);

function reassign(
  { catalog, options }: BrokerServices,
  { topic: name, partitionIndex, replicas }: Wish,
): Outcome {
  const topic = catalog.byName(name);
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (topic === undefined) return refuse(unknown, `There is no topic '${name}'`);
  if (!hasPartition(topic, partitionIndex)) {
    return refuse(unknown, `Topic '${name}' has no partition ${partitionIndex}`);
  }
  if (replicas === null) {
    return refuse(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, 'The partition is not being moved');
  }
  const problem = replicasProblem(replicas, options.brokerId);
  if (problem === undefined) return done;
  return refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `Partition ${partitionIndex}: ${problem}`);
}
