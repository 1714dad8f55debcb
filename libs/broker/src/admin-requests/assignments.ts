import { clusterLimits, type Cluster, type ClusterOutcome } from '@sluice/cluster';
import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';
import { done, type Outcome, refuse } from './outcome';

/**
 * Replicas that an admin client wants for one partition (or, when growing, for the next ones in
 * order).
 */
export interface ReplicaAssignment {
  partitionIndex: number;
  brokerIds: readonly number[];
}

/**
 * Why a manual assignment cannot be had, or undefined when it can: its partitions must be 0…n-1,
 * and each must have replicas that can be had.
 *
 * @param live the brokers that are there
 */
export function assignmentProblem(
  assignments: readonly ReplicaAssignment[],
  live: readonly number[],
): string | undefined {
  const seen = new Set<number>();
  for (const { partitionIndex, brokerIds } of assignments) {
    if (seen.has(partitionIndex)) return `Partition ${partitionIndex} is assigned twice`;
    seen.add(partitionIndex);
    if (partitionIndex < 0 || partitionIndex >= assignments.length) {
      const last = assignments.length - 1;
      return `The partitions assigned must be 0 to ${last}, without gaps; ${partitionIndex} is not`;
    }
    const problem = replicasProblem(brokerIds, live);
    if (problem !== undefined) return `Partition ${partitionIndex}: ${problem}`;
  }
  return undefined;
}

/**
 * Why these cannot be a partition's replicas, or undefined when they can: some of the brokers that
 * are there, each once.
 */
export function replicasProblem(
  brokerIds: readonly number[],
  live: readonly number[],
): string | undefined {
  if (live.length === 1) {
    const [only] = live;
    if (brokerIds.length === 1 && brokerIds[0] === only) return undefined;
    return `its replicas must be exactly broker ${only}, the only one`;
  }
  if (brokerIds.length === 0) return 'it needs at least one replica';
  if (new Set(brokerIds).size < brokerIds.length) return 'a broker is named twice';
  const missing = brokerIds.find((id) => !live.includes(id));
  if (missing === undefined) return undefined;
  return `there is no broker ${missing}; those that are there: ${live.join(', ')}`;
}

/** The numbers of the brokers that are there. */
export function liveBrokers(cluster: Pick<Cluster, 'brokers'>): number[] {
  return cluster.brokers().map(({ id }) => id);
}

/** How many replicas a partition has where nobody says. */
export function usualReplicationFactor(cluster: Pick<Cluster, 'brokers'>): number {
  return Math.min(clusterLimits.replicasMax, cluster.brokers().length);
}

/** The refusal for what only the controller does; undefined where this gateway is it. */
export function notControllerRefusal({
  selfId,
  controllerId,
}: Pick<Cluster, 'selfId' | 'controllerId'>): Outcome | undefined {
  if (controllerId === selfId) return undefined;
  const where = controllerId === -1 ? 'nobody is at the moment' : `broker ${controllerId} is`;
  return refuse(ErrorCode.NOT_CONTROLLER, `This broker is not the controller: ${where}`);
}

const outcomes: Readonly<Record<Exclude<ClusterOutcome, 'done'>, [ErrorCodeValue, string]>> = {
  'not-controller': [ErrorCode.NOT_CONTROLLER, 'This broker is not the controller'],
  'not-needed': [ErrorCode.ELECTION_NOT_NEEDED, 'The leader is the one that was asked for'],
  'not-available': [ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, 'The preferred leader is not there'],
  'invalid-replicas': [
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    'Such replicas cannot be had: unknown, not there, twice or none',
  ],
};

/** What an admin client is told of how a change of the cluster ended. */
export function clusterOutcome(outcome: ClusterOutcome): Outcome {
  return outcome === 'done' ? done : refuse(...outcomes[outcome]);
}
