import * as fc from 'fast-check';
import { newerLeaders, type StoredLeaders, type StoredPlacement } from '../store/stored-leaders';
import { balanceLeaders } from './balance';
import { placeLeaders } from './place';
import type { Plan, PlanInput, PlannedBroker } from './plan-input';

type Stored = Map<string, StoredLeaders>;

/** A cluster without Redis, to which plans are applied. */
class Plans {
  readonly brokers = new Map<number, PlannedBroker>();
  readonly topics = new Map<string, number>();
  readonly stored: Stored = new Map();
  #sessions = 0;

  come(id: number, rack: string | null = null): void {
    this.brokers.set(id, { id, rack, token: `s${++this.#sessions}`, isDraining: false });
  }

  drain(id: number): void {
    const broker = this.brokers.get(id);
    if (broker !== undefined) this.brokers.set(id, { ...broker, isDraining: true });
  }

  get input(): PlanInput {
    const topics = [...this.topics].map(([id, partitions]) => ({ id, partitions }));
    return { brokers: [...this.brokers.values()], topics, stored: this.stored, replicasMax: 3 };
  }

  place(): Plan {
    return this.#apply(placeLeaders(this.input));
  }

  balance(imbalancePercent = 0, movesMax = Infinity, forgotten = new Set<number>()): Plan {
    return this.#apply(balanceLeaders(this.input, { imbalancePercent, movesMax, forgotten }));
  }

  placements(): StoredPlacement[] {
    return [...this.stored.values()].flatMap(({ partitions }) => partitions);
  }

  ledBy(topicId?: string): number[] {
    const all = topicId === undefined ? [...this.stored.keys()] : [topicId];
    const leaders = all.flatMap((id) => this.stored.get(id)!.partitions.map((p) => p.leaderId));
    return this.active().map((id) => leaders.filter((leader) => leader === id).length);
  }

  active(): number[] {
    const all = [...this.brokers.values()];
    const active = all.filter(({ isDraining }) => !isDraining);
    return (active.length > 0 ? active : all).map(({ id }) => id).sort((a, b) => a - b);
  }

  #apply(plan: Plan): Plan {
    for (const [topicId, next] of plan) {
      checkFollows(this.stored.get(topicId), next);
      this.stored.set(topicId, next);
    }
    return plan;
  }
}

/** A leadership only rises, and does where another leads. */
function checkFollows(before: StoredLeaders | undefined, next: StoredLeaders): void {
  // Not by `expect`, which takes its time: this is done very often.
  for (const [index, old] of before?.partitions.entries() ?? []) {
    const now = next.partitions[index]!;
    const least = now.leaderId === old.leaderId ? old.leadership : old.leadership + 1;
    const isKept = !old.isChosen || now.replicas.join() === old.replicas.join();
    if (now.leadership < least || !isKept) throw new Error(JSON.stringify([old, now]));
  }
}

const spread = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts);

const step = fc.oneof(
  fc.record({ op: fc.constant('come' as const), id: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ op: fc.constant('go' as const), id: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ op: fc.constant('drain' as const), id: fc.integer({ min: 1, max: 6 }) }),
  fc.record({
    op: fc.constant('topic' as const),
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    partitions: fc.integer({ min: 1, max: 20 }),
  }),
  fc.record({ op: fc.constant('balance' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function take(plans: Plans, one: Step): void {
  if (one.op === 'come') plans.come(one.id, `rack-${one.id % 3}`);
  else if (one.op === 'go') plans.brokers.delete(one.id);
  else if (one.op === 'drain') plans.drain(one.id);
  else if (one.op === 'balance') plans.balance(10, 5);
  else plans.topics.set(one.name, Math.max(one.partitions, plans.topics.get(one.name) ?? 0));
}

/** What holds after each placing. */
function checkLed(plans: Plans): void {
  if (plans.brokers.size === 0) return;
  const active = new Set(plans.active());
  for (const [topicId, partitions] of plans.topics) {
    expect(plans.stored.get(topicId)!.partitions.length).toBe(partitions);
  }
  for (const { partitions, sessions } of plans.stored.values()) {
    for (const placement of partitions) {
      const { leaderId, replicas } = placement;
      const isSound =
        active.has(leaderId) &&
        sessions.get(leaderId) === plans.brokers.get(leaderId)!.token &&
        new Set(replicas).size === replicas.length &&
        replicas.length > 0;
      if (!isSound) throw new Error(JSON.stringify(placement));
    }
  }
  expect(placeLeaders(plans.input).size).toBe(0);
}

test('after whatever has happened all is led by who is there, and only what has to moves', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const plans = new Plans();
      for (const one of steps) {
        take(plans, one);
        const active = new Set(plans.active());
        const before = new Map(plans.stored);
        plans.place();
        checkLed(plans);
        for (const [topicId, { partitions }] of before) {
          for (const [index, { leaderId }] of partitions.entries()) {
            const now = plans.stored.get(topicId)!.partitions[index]!.leaderId;
            if (active.has(leaderId) && now !== leaderId) throw new Error(`${topicId}/${index}`);
          }
        }
      }
    }),
    { numRuns: 100 },
  );
});

test('balancing ends, with all spread evenly over all topics and within each', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const plans = new Plans();
      for (const one of steps) {
        take(plans, one);
        plans.place();
      }
      if (plans.brokers.size === 0) plans.come(1);
      plans.place();
      for (let round = 0; plans.balance().size > 0; round++) expect(round).toBeLessThan(4);
      checkLed(plans);
      for (const topicId of plans.stored.keys()) {
        expect(spread(plans.ledBy(topicId))).toBeLessThanOrEqual(1);
      }
      expect(spread(plans.ledBy())).toBeLessThanOrEqual(1);
      const least = Math.min(3, plans.active().length);
      expect(plans.placements().filter(({ replicas }) => replicas.length < least)).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

test('new topics are spread evenly, whatever there was', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 }),
      (brokers, sizes) => {
        const plans = new Plans();
        for (let id = 1; id <= brokers; id++) plans.come(id);
        for (const [index, partitions] of sizes.entries()) {
          plans.topics.set(`t${index}`, partitions);
          plans.place();
          expect(spread(plans.ledBy(`t${index}`))).toBeLessThanOrEqual(1);
        }
        expect(spread(plans.ledBy())).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 60 },
  );
});

test('replicas are of as many racks as there are, and of all brokers alike', () => {
  const plans = new Plans();
  for (const id of [1, 2, 3, 4]) plans.come(id, id <= 2 ? 'left' : 'right');
  plans.topics.set('a', 40);
  plans.place();
  for (const { replicas } of plans.placements()) {
    expect(replicas).toHaveLength(3);
    expect(replicas[0]! <= 2).not.toBe(replicas[1]! <= 2);
  }
  const all = plans.placements().flatMap(({ replicas }) => replicas);
  const counts = [1, 2, 3, 4].map((id) => all.filter((replica) => replica === id).length);
  expect(spread(counts)).toBeLessThanOrEqual(2);
});

test('what one led that has gone is shared by the others', () => {
  const plans = new Plans();
  for (const id of [1, 2, 3, 4]) plans.come(id);
  for (let topic = 0; topic < 10; topic++) plans.topics.set(`t${topic}`, 12);
  plans.place();
  plans.brokers.delete(4);
  plans.place();
  expect(spread(plans.ledBy())).toBeLessThanOrEqual(4);
});

test('one that comes back gets what prefers it by the balancing, and nothing before', () => {
  const plans = new Plans();
  for (const id of [1, 2, 3]) plans.come(id);
  plans.topics.set('a', 30);
  plans.place();
  const before = plans.placements().map(({ leaderId }) => leaderId);
  plans.brokers.delete(2);
  plans.place();
  plans.come(2);
  expect(plans.place().size).toBe(0);
  expect(plans.balance(10, Infinity).size).toBe(1);
  expect(plans.placements().map(({ leaderId }) => leaderId)).toEqual(before);
});

test('a small imbalance is left alone, and a large one goes in steps', () => {
  const plans = new Plans();
  plans.come(1);
  plans.topics.set('a', 100);
  plans.place();
  plans.come(2);
  plans.place();
  plans.balance(10, 30);
  expect(plans.ledBy()).toEqual([70, 30]);
  plans.balance(10, 30);
  expect(plans.ledBy()).toEqual([50, 50]);
  plans.topics.set('b', 1);
  plans.topics.set('c', 1);
  plans.place();
  expect(plans.balance(10, 30).size).toBe(0);
});

test('a broker with a new session leads what it led under a higher leadership', () => {
  const plans = new Plans();
  plans.come(1);
  plans.topics.set('a', 2);
  plans.place();
  plans.come(1);
  expect(plans.place().get('a')!.partitions).toMatchObject([
    { leaderId: 1, leadership: 1 },
    { leaderId: 1, leadership: 1 },
  ]);
});

test('chosen replicas stay; without any of them another leads, until one is back', () => {
  const plans = new Plans();
  for (const id of [1, 2, 3]) plans.come(id);
  plans.topics.set('a', 1);
  const chosen = { leaderId: 3, leadership: 4, replicas: [3], isChosen: true };
  const sessions = new Map([[3, plans.brokers.get(3)!.token]]);
  plans.stored.set('a', { sessions, partitions: [chosen] });
  plans.brokers.delete(3);
  plans.place();
  const [moved] = plans.placements();
  expect(moved).toMatchObject({ leadership: 5, replicas: [3], isChosen: true });
  expect([1, 2]).toContain(moved!.leaderId);
  plans.come(3);
  plans.place();
  plans.balance();
  expect(plans.placements()).toEqual([{ ...chosen, leadership: 6 }]);
});

test('brokers that are gone for long are no replicas any more, unless they were chosen', () => {
  const plans = new Plans();
  for (const id of [1, 2, 3]) plans.come(id);
  plans.topics.set('a', 3);
  plans.place();
  plans.brokers.delete(3);
  plans.place();
  plans.balance();
  expect(plans.placements().some(({ replicas }) => replicas.includes(3))).toBe(true);
  plans.balance(10, Infinity, new Set([3]));
  for (const { replicas } of plans.placements()) {
    expect(replicas.toSorted((a, b) => a - b)).toEqual([1, 2]);
  }
});

test('what only a newer version can read is left alone', () => {
  const plans = new Plans();
  plans.come(1);
  plans.topics.set('a', 1);
  const stored = new Map([['a', newerLeaders]] as const);
  const input = { ...plans.input, stored };
  expect(placeLeaders(input).size).toBe(0);
  const terms = { imbalancePercent: 0, movesMax: 1, forgotten: new Set<number>() };
  expect(balanceLeaders(input, terms).size).toBe(0);
});

test('very many partitions are spread evenly, too', () => {
  const plans = new Plans();
  for (const id of [1, 2, 3]) plans.come(id);
  for (let topic = 0; topic < 2_000; topic++) plans.topics.set(`t${topic}`, 1 + (topic % 9));
  plans.place();
  expect(spread(plans.ledBy())).toBeLessThanOrEqual(1);
  plans.brokers.delete(3);
  plans.place();
  plans.come(4);
  plans.place();
  plans.balance();
  expect(spread(plans.ledBy())).toBeLessThanOrEqual(1);
});

test('nothing is moved where no imbalance is too much', () => {
  const plans = new Plans();
  plans.come(1);
  plans.topics.set('orders', 6);
  plans.place();
  plans.come(2);
  plans.balance(Infinity);
  expect(plans.ledBy()).toEqual([6, 0]);
  plans.balance(10);
  expect(plans.ledBy()).toEqual([3, 3]);
});
