import type { CatalogLimits } from './catalog-limits';

/** How many partitions there are, and how many there may be. */
interface Room {
  limits: CatalogLimits;
  /** Of all topics together. */
  partitions: number;
}

/** Why a new topic cannot have so many partitions; undefined when it can. */
export function sizeProblem(room: Room, total: number): string | undefined {
  return problemOf(room, total, total);
}

/** Why a topic cannot grow to so many partitions; undefined when it can. */
export function growthProblem(room: Room, partitions: number, total: number): string | undefined {
  if (Number.isInteger(total) && total > partitions) {
    return problemOf(room, total, total - partitions);
  }
  if (total === partitions) return `The topic already has ${partitions} partitions`;
  return `The topic has ${partitions} partitions, and cannot have fewer`;
}

function problemOf({ limits, partitions }: Room, total: number, added: number) {
  const { partitionsPerTopicMax, partitionsTotalMax } = limits;
  if (!Number.isInteger(total) || total < 1) return 'A topic needs at least 1 partition';
  if (total > partitionsPerTopicMax) {
    return `A topic cannot have more than ${partitionsPerTopicMax} partitions`;
  }
  if (partitions + added <= partitionsTotalMax) return undefined;
  return `All topics together cannot have more than ${partitionsTotalMax} partitions`;
}
