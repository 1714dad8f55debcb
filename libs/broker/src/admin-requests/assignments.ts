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
 * and each must have this broker as its one replica. Redis makes the copies; brokers have none.
 */
export function assignmentProblem(
  assignments: readonly ReplicaAssignment[],
  brokerId: number,
): string | undefined {
  const seen = new Set<number>();
  for (const { partitionIndex, brokerIds } of assignments) {
    if (seen.has(partitionIndex)) return `Partition ${partitionIndex} is assigned twice`;
    seen.add(partitionIndex);
    if (partitionIndex < 0 || partitionIndex >= assignments.length) {
      const last = assignments.length - 1;
      return `The partitions assigned must be 0 to ${last}, without gaps; ${partitionIndex} is not`;
    }
    const problem = replicasProblem(brokerIds, brokerId);
    if (problem !== undefined) return `Partition ${partitionIndex}: ${problem}`;
  }
  return undefined;
}

/** Why these cannot be a partition's replicas, or undefined when they can. */
export function replicasProblem(
  brokerIds: readonly number[],
  brokerId: number,
): string | undefined {
  if (brokerIds.length === 1 && brokerIds[0] === brokerId) return undefined;
  return `its replicas must be exactly broker ${brokerId}, the only one`;
}
