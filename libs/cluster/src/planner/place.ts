import { newerLeaders, type StoredLeaders, type StoredPlacement } from '../store/stored-leaders';
import { Counts, least, Loads } from './loads';
import type { Plan, PlanInput, PlannedTopic } from './plan-input';

/**
 * Finds who has to lead what nobody leads: partitions that are new, and those whose leader has gone
 * or is about to go. What a broker leads in a new session it leads under a higher leadership.
 * Nothing else moves.
 *
 * @param only ids of topics; others are not looked at
 */
export function placeLeaders(input: PlanInput, only?: ReadonlySet<string>): Plan {
  const plan = new Map<string, StoredLeaders>();
  const loads = new Loads(input);
  if (loads.takers.length === 0) return plan;
  const tokens = new Map(input.brokers.map(({ id, token }) => [id, token]));
  for (const topic of input.topics) {
    if (only !== undefined && !only.has(topic.id)) continue;
    const stored = input.stored.get(topic.id) ?? null;
    if (stored === newerLeaders) continue;
    const { replicasMax } = input;
    const placed = new TopicPlacing(topic, { stored, loads, tokens, replicasMax }).run();
    if (placed !== null) plan.set(topic.id, placed);
  }
  return plan;
}

interface Ground {
  stored: StoredLeaders | null;
  loads: Loads;
  /** The session of each broker that is there. */
  tokens: ReadonlyMap<number, string>;
  replicasMax: number;
}

/** The leaders of one topic. */
class TopicPlacing {
  readonly #led = new Counts();
  readonly #partitions: StoredPlacement[] = [];
  #isChanged = false;

  constructor(
    private readonly topic: PlannedTopic,
    private readonly ground: Ground,
  ) {
    for (const { leaderId } of ground.stored?.partitions ?? []) this.#led.add(leaderId, 1);
  }

  /** @returns null where nothing changes */
  run(): StoredLeaders | null {
    const stored = this.ground.stored?.partitions ?? [];
    // Another gateway may have heard of a growth earlier: what is placed stays.
    const count = Math.max(this.topic.partitions, stored.length);
    for (let index = 0; index < count; index++) {
      const before = stored[index];
      this.#partitions.push(before === undefined ? this.#placeNew() : this.#keepOrMove(before));
    }
    if (!this.#isChanged) return null;
    return { partitions: this.#partitions, sessions: this.#sessions() };
  }

  #placeNew(): StoredPlacement {
    const { loads, replicasMax } = this.ground;
    this.#isChanged = true;
    const ids = loads.takers.map(({ id }) => id);
    const leaderId = least(ids, (id) => [this.#led.of(id), loads.led.of(id), id])!;
    const replicas = loads.replicasBehind(leaderId, replicasMax);
    loads.addReplicas(replicas, 1);
    this.#give(leaderId);
    return { leaderId, leadership: 0, replicas, isChosen: false };
  }

  #keepOrMove(before: StoredPlacement): StoredPlacement {
    const { stored, tokens, loads } = this.ground;
    const { leaderId, leadership, replicas } = before;
    const token = tokens.get(leaderId);
    if (token !== undefined && loads.isTaker(leaderId)) {
      if (stored!.sessions.get(leaderId) === token) return before;
      this.#isChanged = true;
      return { ...before, leadership: leadership + 1 };
    }
    this.#isChanged = true;
    const live = replicas.filter((id) => loads.isTaker(id));
    const ids = live.length > 0 ? live : loads.takers.map(({ id }) => id);
    const next = least(ids, (id) => [this.#led.of(id), loads.led.of(id), replicas.indexOf(id), id]);
    this.#led.add(leaderId, -1);
    loads.led.add(leaderId, -1);
    this.#give(next!);
    return { ...before, leaderId: next!, leadership: leadership + 1 };
  }

  #give(leaderId: number): void {
    this.#led.add(leaderId, 1);
    this.ground.loads.led.add(leaderId, 1);
  }

  /** By which session each leader has what it leads. */
  #sessions(): Map<number, string> {
    const sessions = new Map<number, string>();
    for (const { leaderId } of this.#partitions) {
      const token = this.ground.tokens.get(leaderId);
      if (token !== undefined) sessions.set(leaderId, token);
    }
    return sessions;
  }
}
