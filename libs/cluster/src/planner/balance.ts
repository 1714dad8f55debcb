import { newerLeaders, type StoredLeaders, type StoredPlacement } from '../store/stored-leaders';
import { Counts, least, Loads } from './loads';
import type { Plan, PlanInput } from './plan-input';

/** How far a balancing goes. */
export interface BalanceTerms {
  /**
   * By which part of its share a broker may lead too much or too little, percent. Infinity: nothing
   * is moved.
   */
  readonly imbalancePercent: number;
  /** Leaderships that one plan moves. */
  readonly movesMax: number;
  /** Brokers that have been gone for long: no replicas, where nobody has chosen them. */
  readonly forgotten: ReadonlySet<number>;
}

/** A leadership that goes to another broker. */
interface Move {
  readonly topicId: string;
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

/** One topic while it is being balanced. */
interface Draft {
  readonly topicId: string;
  readonly stored: StoredLeaders;
  readonly partitions: StoredPlacement[];
  isChanged: boolean;
}

/**
 * Spreads leaders evenly over the brokers that are there, over all topics and in each: partitions
 * whose replicas somebody has chosen go back to the first of these that is there, others to whoever
 * has too little, if possible to their preferred replica, and prefer who leads them from then on.
 * Replicas that nobody has chosen become as many as there can be.
 *
 * It expects that everything is led (`placeLeaders`). Repeated until nothing changes it ends with
 * differences of at most one.
 */
export function balanceLeaders(input: PlanInput, terms: BalanceTerms): Plan {
  const loads = new Loads(input);
  if (loads.takers.length === 0) return new Map();
  const drafts = draftsOf(input);
  for (const draft of drafts) new Mending(draft, loads, input.replicasMax, terms.forgotten).run();
  const moves = new Balancing(drafts, loads).run();
  if (isWorthIt(moves, loads, drafts, terms)) {
    const byId = new Map(drafts.map((draft) => [draft.topicId, draft]));
    for (const move of moves.slice(0, terms.movesMax)) {
      apply(byId.get(move.topicId)!, move, loads, input);
    }
  }
  return planOf(drafts, input);
}

function draftsOf({ topics, stored }: PlanInput): Draft[] {
  const drafts: Draft[] = [];
  for (const { id: topicId } of topics) {
    const leaders = stored.get(topicId) ?? null;
    if (leaders === null || leaders === newerLeaders) continue;
    const partitions = [...leaders.partitions];
    drafts.push({ topicId, stored: leaders, partitions, isChanged: false });
  }
  return drafts;
}

/** Makes replicas that nobody has chosen as many as there can be, of brokers that are not gone. */
class Mending {
  readonly #count: number;

  constructor(
    private readonly draft: Draft,
    private readonly loads: Loads,
    replicasMax: number,
    private readonly forgotten: ReadonlySet<number>,
  ) {
    this.#count = Math.min(replicasMax, loads.takers.length);
  }

  run(): void {
    for (const [index, placement] of this.draft.partitions.entries()) {
      if (placement.isChosen) continue;
      const replicas = this.#mended(placement);
      if (replicas === placement.replicas) continue;
      this.draft.partitions[index] = { ...placement, replicas };
      this.draft.isChanged = true;
    }
  }

  #mended({ leaderId, replicas }: StoredPlacement): readonly number[] {
    const kept = replicas.filter((id) => !this.forgotten.has(id));
    const isWhole = kept.length === replicas.length && kept.length >= this.#count;
    if (isWhole && kept.length > 0) return replicas;
    const first = kept[0] ?? leaderId;
    const [, ...more] = this.loads.replicasBehind(first, this.#count + kept.length, kept);
    const added = more.filter((id) => !kept.includes(id));
    const all = [first, ...kept.slice(1), ...added].slice(0, Math.max(kept.length, this.#count));
    this.loads.addReplicas(replicas, -1);
    this.loads.addReplicas(all, 1);
    return all;
  }
}

/** Finds the moves after which leaders are spread evenly, most wanted first. */
class Balancing {
  readonly #ids: readonly number[];
  readonly #moves: Move[] = [];
  /** Who leads each partition after the moves so far, by draft. */
  readonly #leaders: number[][];
  /** How many partitions of it each broker leads then, by draft. */
  readonly #led: readonly Counts[];
  readonly #total = new Counts();

  constructor(
    private readonly drafts: readonly Draft[],
    private readonly loads: Loads,
  ) {
    this.#ids = loads.takers.map(({ id }) => id);
    this.#leaders = drafts.map(({ partitions }) => partitions.map(({ leaderId }) => leaderId));
    this.#led = drafts.map(({ partitions }) => {
      const led = new Counts();
      for (const { leaderId } of partitions) {
        led.add(leaderId, 1);
        this.#total.add(leaderId, 1);
      }
      return led;
    });
  }

  run(): readonly Move[] {
    this.#bringHome();
    for (const at of this.drafts.keys()) this.#spreadWithin(at);
    this.#spreadOver(true);
    this.#spreadOver(false);
    return this.#moves;
  }

  /** Partitions whose replicas were chosen are led by the first of these that is there. */
  #bringHome(): void {
    for (const [at, { partitions }] of this.drafts.entries()) {
      for (const [index, { isChosen, replicas }] of partitions.entries()) {
        if (!isChosen) continue;
        const home = replicas.find((id) => this.loads.isTaker(id));
        if (home !== undefined) this.#move(at, index, home);
      }
    }
  }

  /** No broker leads two partitions more of a topic than another. */
  #spreadWithin(at: number): void {
    const led = this.#led[at]!;
    const { partitions } = this.drafts[at]!;
    // Each round brings one partition to its end; more rounds are needed by nothing.
    for (let round = 0; round < partitions.length; round++) {
      const to = least(this.#ids, (id) => [led.of(id), this.#total.of(id), id])!;
      const donors = this.#ids.filter((id) => led.of(id) > led.of(to) + 1);
      const from = (id: number): number[] => [-led.of(id), -this.#total.of(id), id];
      const index = this.#freeOf(
        at,
        to,
        donors.toSorted((a, b) => (less(from, a, b) ? -1 : 1)),
      );
      if (index === undefined) return;
      this.#move(at, index, to);
    }
  }

  /** A partition of the first donor that has one to give, if possible one that prefers `to`. */
  #freeOf(at: number, to: number, donors: readonly number[]): number | undefined {
    const { partitions } = this.drafts[at]!;
    const leaders = this.#leaders[at]!;
    for (const donor of donors) {
      let found: number | undefined;
      for (const [index, { isChosen, replicas }] of partitions.entries()) {
        if (isChosen || leaders[index] !== donor) continue;
        if (replicas[0] === to) return index;
        if (found === undefined || replicas.includes(to)) found = index;
      }
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * No broker leads two partitions more than another, over all topics; within each it stays even.
   *
   * @param onlyHome only partitions go that prefer the broker that they go to
   */
  #spreadOver(onlyHome: boolean): void {
    for (const [at, { partitions }] of this.drafts.entries()) {
      const led = this.#led[at]!;
      const leaders = this.#leaders[at]!;
      for (const [index, { isChosen, replicas }] of partitions.entries()) {
        const from = leaders[index]!;
        if (this.#total.of(from) <= this.#leastTotal() + 1) continue;
        if (isChosen || !this.loads.isTaker(from)) continue;
        const isBetter = (id: number): boolean =>
          this.#total.of(from) > this.#total.of(id) + 1 && led.of(from) > led.of(id);
        const home = replicas[0]!;
        const ids = onlyHome ? [home].filter((id) => this.loads.isTaker(id)) : this.#ids;
        const to = least(ids.filter(isBetter), (id) => [
          this.#total.of(id),
          replicas.includes(id) ? 0 : 1,
          id,
        ]);
        if (to !== undefined) this.#move(at, index, to);
      }
    }
  }

  #leastTotal(): number {
    let least = Infinity;
    for (const id of this.#ids) least = Math.min(least, this.#total.of(id));
    return least;
  }

  #move(at: number, index: number, to: number): void {
    const from = this.#leaders[at]![index]!;
    if (from === to) return;
    this.#leaders[at]![index] = to;
    for (const counts of [this.#led[at]!, this.#total]) {
      counts.add(from, -1);
      counts.add(to, 1);
    }
    this.#moves.push({ topicId: this.drafts[at]!.topicId, index, from, to });
  }
}

function less(cost: (id: number) => number[], left: number, right: number): boolean {
  return least([left, right], cost) === left;
}

/** Whether some broker would give away, or get, more than it may be off its share. */
function isWorthIt(
  moves: readonly Move[],
  { takers }: Loads,
  drafts: readonly Draft[],
  { imbalancePercent }: BalanceTerms,
): boolean {
  const partitions = drafts.reduce((sum, draft) => sum + draft.partitions.length, 0);
  const share = partitions / takers.length;
  const given = new Counts();
  const taken = new Counts();
  for (const { from, to } of moves) {
    given.add(from, 1);
    taken.add(to, 1);
  }
  const ids = new Set(moves.flatMap(({ from, to }) => [from, to]));
  return [...ids].some(
    (id) => Math.max(given.of(id), taken.of(id)) * 100 > imbalancePercent * share,
  );
}

function apply(draft: Draft, { index, to }: Move, loads: Loads, { replicasMax }: PlanInput): void {
  const before = draft.partitions[index]!;
  const leadership = before.leadership + 1;
  draft.isChanged = true;
  if (before.isChosen) {
    draft.partitions[index] = { ...before, leaderId: to, leadership };
    return;
  }
  const count = Math.max(before.replicas.length, Math.min(replicasMax, loads.takers.length));
  const others = before.replicas.filter((id) => id !== to && !loads.isTaker(id));
  const live = loads.replicasBehind(to, Math.max(1, count - others.length), before.replicas);
  const replicas = [...live, ...others].slice(0, count);
  loads.addReplicas(before.replicas, -1);
  loads.addReplicas(replicas, 1);
  draft.partitions[index] = { ...before, leaderId: to, leadership, replicas };
}

function planOf(drafts: readonly Draft[], { brokers }: PlanInput): Plan {
  const tokens = new Map(brokers.map(({ id, token }) => [id, token]));
  const plan = new Map<string, StoredLeaders>();
  for (const { topicId, stored, partitions, isChanged } of drafts) {
    if (!isChanged) continue;
    const sessions = new Map(stored.sessions);
    const leaders = new Set(partitions.map(({ leaderId }) => leaderId));
    for (const id of sessions.keys()) if (!leaders.has(id)) sessions.delete(id);
    for (const id of leaders) {
      // One that is another session's is left, so that all that it has is raised together.
      const token = tokens.get(id);
      if (!sessions.has(id) && token !== undefined) sessions.set(id, token);
    }
    plan.set(topicId, { sessions, partitions });
  }
  return plan;
}
