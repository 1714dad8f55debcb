import fc from 'fast-check';
import { AssignedDriver } from '../../../test/assigned-driver';
import { changesBetween, decodeGroup } from '../stored/assigned-codec';
import type { MemberView } from './assigned-events';
import { stateOf, type AssignedGroup, type Owner } from './assigned-group';

const processCount = 5;
const topicNames = ['orders', 'offers', 'returns'];
const subscriptions = [
  { topics: ['orders'], patterns: [] },
  { topics: ['orders', 'offers'], patterns: [] },
  { topics: ['returns'], patterns: [{ source: 'o.*', flags: '' }] },
];

/** A process that is a member at times, and what it was told last. */
interface Process {
  name: string;
  view: MemberView | null;
  isAlive: boolean;
}

type Move =
  | { kind: 'join'; who: number; wants: number; isStatic: boolean; assignor: number }
  | { kind: 'beat' | 'leave' | 'die' | 'drop' | 'remove'; who: number }
  | { kind: 'topic'; topic: number; partitions: number }
  | { kind: 'time'; passMs: number };

const who = fc.nat(processCount - 1);
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    kind: fc.constant('join' as const),
    who,
    wants: fc.nat(subscriptions.length - 1),
    isStatic: fc.boolean(),
    assignor: fc.nat(2),
  }),
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('beat' as const), who }) },
  fc.record({ kind: fc.constantFrom('leave', 'die', 'drop', 'remove'), who }),
  fc.record({
    kind: fc.constant('topic' as const),
    topic: fc.nat(topicNames.length - 1),
    partitions: fc.nat(6),
  }),
  fc.record({ kind: fc.constant('time' as const), passMs: fc.integer({ min: 1, max: 6000 }) }),
);

/** Runs moves, as processes make them that follow what they are told. */
class History {
  readonly driver = new AssignedDriver({ orders: 4 });
  readonly processes: Process[] = Array.from({ length: processCount }, (_, at) => ({
    name: `p${at}`,
    view: null,
    isAlive: false,
  }));

  run(made: Move): void {
    const { driver } = this;
    switch (made.kind) {
      case 'topic': {
        const name = topicNames[made.topic]!;
        const now = driver.topics.get(`id-${name}`)?.partitions ?? 0;
        if (made.partitions === 0) driver.deleteTopic(name);
        else if (made.partitions > now) driver.setTopic(name, made.partitions);
        break;
      }
      case 'time':
        driver.nowMs += made.passMs;
        break;
      case 'join': {
        const one = this.processes[made.who]!;
        one.isAlive = true;
        one.view = driver.join(one.name, {
          subscription: subscriptions[made.wants]!,
          // Two processes share an instance id, so that one takes the other's place.
          instanceId: made.isStatic ? `i${made.who % 2}` : null,
          assignor: (['sticky', 'range', 'round-robin'] as const)[made.assignor]!,
        });
        break;
      }
      case 'beat':
        this.beat(this.processes[made.who]!);
        break;
      case 'remove': {
        // By an operator; the process learns of it with its next heartbeat.
        const { name: memberId } = this.processes[made.who]!;
        driver.apply({ kind: 'remove', members: [{ memberId, instanceId: null }] });
        break;
      }
      case 'die':
        this.processes[made.who]!.isAlive = false;
        break;
      default:
        this.#end(this.processes[made.who]!, made.kind);
    }
  }

  /** A heartbeat; the process lets go what is revoked, and knows when it is none any more. */
  beat(one: Process): void {
    const { driver } = this;
    if (!one.isAlive || one.view === null) return;
    const { memberEpoch, partitions } = one.view;
    if (!driver.beat(one.name, memberEpoch)) return void (one.view = null);
    const revoked = partitions.filter(({ isRevoked }) => isRevoked);
    const outcome = driver.release(one.name, memberEpoch, revoked);
    one.view = outcome.kind === 'member' ? outcome.view : null;
  }

  #end(one: Process, kind: 'leave' | 'drop'): void {
    if (!one.isAlive || one.view === null) return;
    const { memberEpoch, partitions } = one.view;
    if (kind === 'drop') this.driver.release(one.name, memberEpoch, partitions);
    else {
      this.driver.apply({ kind: 'leave', memberId: one.name, memberEpoch });
      [one.isAlive, one.view] = [false, null];
    }
  }
}

const histories = fc.array(move, { maxLength: 60 });

function check(judge: (history: History) => void): void {
  fc.assert(
    fc.property(histories, (moves) => {
      const history = new History();
      for (const made of moves) history.run(made);
      judge(history);
    }),
    { numRuns: 150 },
  );
}

test('a partition passes on only when its owner has let go, or is no member in that epoch', () => {
  check(({ driver }) => {
    const lastEpochs = new Map<string, number>();
    for (const { before, event, step } of driver.steps) {
      for (const [key, owner] of step.group.owners) {
        const old = before.owners.get(key);
        if (isSame(old, owner)) continue;
        expect(owner.ownerEpoch).toBeGreaterThan(lastEpochs.get(key) ?? 0);
        lastEpochs.set(key, owner.ownerEpoch);
        if (old === undefined) continue;
        const released = event.kind === 'release' && event.released;
        const isReleased = released && released.some((one) => one.key === key);
        const stays = step.group.members.get(old.memberId);
        const isSameMember = stays?.epoch === before.members.get(old.memberId)!.epoch;
        expect(isReleased || !isSameMember).toBe(true);
      }
    }
  });
});

test('epochs only rise, and every owner is a member', () => {
  check(({ driver }) => {
    for (const { before, step } of driver.steps) {
      expect(step.group.epoch).toBeGreaterThanOrEqual(before.epoch);
      for (const [memberId, { epoch, revision }] of step.group.members) {
        const old = before.members.get(memberId);
        expect(epoch).toBeGreaterThanOrEqual(old?.epoch ?? before.epoch + 1);
        expect(revision).toBeGreaterThanOrEqual(old?.revision ?? epoch);
      }
      for (const { memberId } of step.group.owners.values()) {
        expect(step.group.members.has(memberId)).toBe(true);
      }
    }
  });
});

test('whoever is told something else has another revision, and is named', () => {
  check(({ driver }) => {
    for (const { before, step } of driver.steps) {
      for (const [memberId, member] of step.group.members) {
        const isTold = textOf(before, memberId) !== textOf(step.group, memberId);
        if (!isTold) continue;
        expect(step.affected).toContain(memberId);
        expect(member.revision).not.toBe(before.members.get(memberId)?.revision);
      }
    }
  });
});

test('what a step changes is what is written, and reads as it was', () => {
  check(({ driver }) => {
    const stored = new Map<string, string>();
    for (const [at, { before, step }] of driver.steps.entries()) {
      const changes = changesBetween(before, step.group, at === 0);
      const { removed = [], set = [] } = changes ?? {};
      for (const field of removed) stored.delete(field);
      for (let i = 0; i < set.length; i += 2) stored.set(String(set[i]), String(set[i + 1]));
      // Heartbeats write the ends of sessions beside the steps.
      for (const { memberId, untilMs } of step.group.members.values()) {
        stored.set(`until/${memberId}`, String(untilMs));
      }
      const read = decodeGroup('g', Object.fromEntries(stored));
      if (read.members.size === 0) expect(stored.size).toBe(1);
      else expect(ordered(read)).toEqual(ordered(step.group));
    }
  });
});

test('a rebalance ends: soon after the last event everybody has what it is to have', () => {
  const beatsMax = 3;
  check((history) => {
    const { driver, processes } = history;
    // Those that are dead are missed, and all others are heard of meanwhile.
    for (let passed = 0; passed < 12; passed++) {
      driver.nowMs += 1000;
      for (const one of processes) history.beat(one);
    }
    for (let beat = 0; beat < beatsMax; beat++) for (const one of processes) history.beat(one);
    driver.apply({ kind: 'look' });
    const { group } = driver;
    expect(['stable', 'empty']).toContain(stateOf(group));
    const living = processes.filter(({ isAlive, view }) => isAlive && view !== null);
    expect([...group.members.keys()].sort()).toEqual(living.map(({ name }) => name).sort());
    const keys = [...group.topics.byId].flatMap(([topicId, { partitions }]) =>
      Array.from({ length: partitions }, (_, at) => `${topicId}/${at}`),
    );
    expect(keys.filter((key) => !group.owners.has(key))).toEqual([]);
    // Nothing changes any more.
    for (const one of processes) history.beat(one);
    expect(driver.group.epoch).toBe(group.epoch);
  });
});

function isSame(left: Owner | undefined, right: Owner): boolean {
  return left?.memberId === right.memberId && left.ownerEpoch === right.ownerEpoch;
}

/** What a member has, and what of it is revoked. */
function textOf({ owners, members }: AssignedGroup, memberId: string): string {
  const held = [...owners].filter(([, owner]) => owner.memberId === memberId);
  const target = members.get(memberId)?.target;
  return held
    .map(([key, { ownerEpoch }]) => `${key} ${ownerEpoch} ${target!.has(key)}`)
    .sort()
    .join();
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([left], [right]) => (left < right ? -1 : 1));
}

/** With maps in an order that can be compared. */
function ordered({ members, owners, topics, epoch }: AssignedGroup): unknown {
  return { members: sorted(members), owners: sorted(owners), topics: sorted(topics.byId), epoch };
}
