import { newerLeaders } from '../store/stored-leaders';
import type { PlanInput, PlannedBroker } from './plan-input';

/** A number for each of some brokers, 0 where nothing else was said. */
export class Counts {
  readonly #counts = new Map<number, number>();

  of(brokerId: number): number {
    return this.#counts.get(brokerId) ?? 0;
  }

  add(brokerId: number, count: number): void {
    this.#counts.set(brokerId, this.of(brokerId) + count);
  }
}

/** How much each broker has over all topics. */
export class Loads {
  /** Partitions that it leads. */
  readonly led = new Counts();
  /** Partitions that it is a replica of. */
  readonly #replicas = new Counts();
  /** By first replica: how many of its partitions each is a replica of, too. */
  readonly #behind = new Map<number, Counts>();
  /** Those that may be given something, by rising id. */
  readonly takers: readonly PlannedBroker[];
  readonly #racks: ReadonlyMap<number, string>;

  constructor({ brokers, topics, stored }: PlanInput) {
    const sorted = brokers.toSorted((left, right) => left.id - right.id);
    const active = sorted.filter(({ isDraining }) => !isDraining);
    // Where all are about to leave, they serve to the end.
    this.takers = active.length > 0 ? active : sorted;
    const racks = new Map<number, string>();
    // Without a rack each broker is one of its own.
    for (const { id, rack } of sorted) racks.set(id, rack === null ? `#${id}` : `/${rack}`);
    this.#racks = racks;
    for (const { id } of topics) {
      const leaders = stored.get(id) ?? null;
      if (leaders === null || leaders === newerLeaders) continue;
      for (const { leaderId, replicas } of leaders.partitions) {
        this.led.add(leaderId, 1);
        this.addReplicas(replicas, 1);
      }
    }
  }

  /** Counts the replicas of a partition, or no longer with −1. */
  addReplicas(replicas: readonly number[], count: 1 | -1): void {
    const [first = -1] = replicas;
    let behind = this.#behind.get(first);
    if (behind === undefined) this.#behind.set(first, (behind = new Counts()));
    for (const id of replicas) {
      this.#replicas.add(id, count);
      behind.add(id, count);
    }
  }

  isTaker(brokerId: number): boolean {
    return this.takers.some(({ id }) => id === brokerId);
  }

  /**
   * Replicas behind a first one: of racks that none has yet, of those that were replicas before.
   * Then of those that are the least often behind the same one, so that many share what it leads
   * when it goes; and that have the fewest partitions.
   *
   * @param count of all together
   */
  replicasBehind(first: number, count: number, before: readonly number[] = []): number[] {
    const chosen = [first];
    const behind = this.#behind.get(first);
    const left = this.takers.map(({ id }) => id).filter((id) => id !== first);
    while (chosen.length < count && left.length > 0) {
      const racks = chosen.map((id) => this.#rackOf(id));
      const cost = (id: number): number[] => [
        racks.filter((rack) => rack === this.#rackOf(id)).length,
        before.includes(id) ? 0 : 1,
        behind?.of(id) ?? 0,
        this.#replicas.of(id),
        id,
      ];
      const best = least(left, cost)!;
      left.splice(left.indexOf(best), 1);
      chosen.push(best);
    }
    return chosen;
  }

  #rackOf(brokerId: number): string {
    return this.#racks.get(brokerId) ?? `#${brokerId}`;
  }
}

/** The one of the least cost, of which the first number that differs decides. */
export function least(ids: readonly number[], cost: (id: number) => number[]): number | undefined {
  let best: number | undefined;
  let bestCost: number[] = [];
  for (const id of ids) {
    const own = cost(id);
    if (best !== undefined && !isLess(own, bestCost)) continue;
    best = id;
    bestCost = own;
  }
  return best;
}

function isLess(left: readonly number[], right: readonly number[]): boolean {
  for (const [index, value] of left.entries()) {
    if (value !== right[index]!) return value < right[index]!;
  }
  return false;
}
