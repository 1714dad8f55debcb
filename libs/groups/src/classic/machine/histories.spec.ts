import { ErrorCode } from '@sluice/wire';
import fc from 'fast-check';
import { MachineDriver, offers, subscription } from '../../../test/machine-driver';
import { changesBetween, decodeGroup, encodeHead } from '../stored/group-codec';
import type { Group } from './group';
import { newGroup } from './group';
import { GroupState } from './states';

/** Numbers choose among what is possible at the time, so that every history is a likely one. */
type Action =
  | {
      kind: 'join';
      who: number;
      what: number;
      isNew: boolean;
      isStatic: boolean;
      asksId: boolean;
      isHasty: boolean;
    }
  | { kind: 'sync' | 'heartbeat' | 'commit' | 'leave'; who: number }
  | { kind: 'delete' }
  | { kind: 'restart' }
  | { kind: 'pass'; ms: number };

const who = fc.nat(7);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      who,
      what: fc.nat(3),
      isNew: fc.boolean(),
      isStatic: fc.boolean(),
      asksId: fc.boolean(),
      isHasty: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('sync' as const), who }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('heartbeat' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(12_000) }) },
);

const metadata = [
  subscription('a'),
  subscription('a', 'b'),
  subscription('b'),
  Buffer.from('not a subscription'),
];
const longestMs = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000 };

/** What a store that applied every change would hold. */
class ModelStore {
  fields: Record<string, Buffer> = { head: Buffer.from(encodeHead(newGroup('g'))) };

  apply(before: Group, after: Group): void {
    const changes = changesBetween(before, after);
    if (changes === null) return;
    for (const field of changes.removed) delete this.fields[field];
    for (let at = 0; at < changes.set.length; at += 2) {
      this.fields[String(changes.set[at])] = Buffer.from(changes.set[at + 1]!);
    }
  }
}

class History {
  readonly driver: MachineDriver;
  readonly store = new ModelStore();
  #checked = 0;
  #highest = 0;
  #tickets: { ticket: number; parkedIn: number }[] = [];
  #restarts = 0;

  constructor(initialRebalanceDelayMs: number) {
    this.driver = new MachineDriver({ initialRebalanceDelayMs, groupMembersMax: 5 });
  }

  run(action: Action): void {
    const { driver } = this;
    const memberId = this.#pick('who' in action ? action.who : 0);
    const instanceId = driver.group.members.get(memberId)?.instanceId ?? null;
    switch (action.kind) {
      case 'join':
        this.#join(action, memberId, instanceId);
        break;
      case 'sync': {
        const assignments = [...driver.group.members.keys(), 'stranger'].map((id) => ({
          memberId: id,
          assignment: Buffer.from(`${id}@${driver.group.generationId}`),
        }));
        this.#park(driver.sync(memberId, { instanceId, assignments }));
        break;
      }
      case 'heartbeat':
        driver.heartbeat(memberId);
        break;
      case 'commit':
        this.#commit(memberId);
        break;
      case 'leave':
        driver.leave(memberId);
        break;
      case 'delete':
        // A deleted group is gone from memory; the next request would begin a new one.
        if (driver.group.state !== GroupState.Empty) driver.delete();
        break;
      case 'restart':
        this.#restarts += 1;
        driver.restart(decodeGroup('g', this.store.fields));
        break;
      case 'pass':
        driver.clock.advance(action.ms);
    }
    this.#check();
  }

  /** Nobody says anything any more: everything parked is answered, everybody expires. */
  finish(): void {
    this.driver.clock.advance(20 * (longestMs.sessionTimeoutMs + longestMs.rebalanceTimeoutMs));
    this.#check();
    for (const { ticket, parkedIn } of this.#tickets) {
      if (parkedIn === this.#restarts) expect(this.driver.isAnswered(ticket)).toBe(true);
    }
    expect(this.driver.group).toMatchObject({ state: GroupState.Empty, leaderId: null });
    expect(this.driver.group.members.size + this.driver.group.pending.size).toBe(0);
    expect(this.driver.timers).toEqual([]);
  }

  #pick(index: number): string {
    const ids = [
      ...this.driver.group.members.keys(),
      ...this.driver.group.pending.keys(),
      'stranger',
    ];
    return ids[index % ids.length]!;
  }

  #park(ticket: number): void {
    this.#tickets.push({ ticket, parkedIn: this.#restarts });
  }

  #join(action: Action & { kind: 'join' }, memberId: string, instanceId: string | null): void {
    const ticket = this.driver.join({
      memberId: action.isNew ? '' : memberId,
      instanceId: action.isNew ? (action.isStatic ? `i${action.who % 3}` : null) : instanceId,
      protocols: offers(
        action.what % 2 === 0 ? ['range', 'sticky'] : ['sticky'],
        metadata[action.what],
      ),
      requireKnownMemberId: action.asksId,
      supportsSkippingAssignment: action.asksId,
      ...longestMs,
      ...(action.isHasty ? { rebalanceTimeoutMs: 0 } : {}),
    });
    this.#park(ticket);
  }

  #commit(memberId: string): void {
    const { generationId, members, state } = this.driver.group;
    expect(this.driver.commit(memberId, generationId + 1)).not.toBe(ErrorCode.NONE);
    const outside = this.driver.commit(memberId, -1);
    expect(outside === ErrorCode.NONE).toBe(state === GroupState.Empty);
    const code = this.driver.commit(memberId);
    const isAllowed = members.has(memberId) && state !== GroupState.CompletingRebalance;
    expect(code === ErrorCode.NONE).toBe(isAllowed);
  }

  #check(): void {
    const { steps } = this.driver;
    for (; this.#checked < steps.length; this.#checked += 1) {
      const { before, step } = steps[this.#checked]!;
      this.store.apply(before, step.group);
      expect(step.group.generationId).toBeGreaterThanOrEqual(this.#highest);
      this.#highest = step.group.generationId;
      checkJoinReplies(this.driver, this.#checked);
      checkSyncReplies(this.driver, this.#checked);
    }
    checkShape(this.driver);
    expect(decodeGroup('g', this.store.fields)).toEqual(asStored(this.driver.group));
  }
}

/**
 * Of those who are told a new generation in one step exactly one is its leader, and knows all
 * members.
 */
function checkJoinReplies(driver: MachineDriver, index: number): void {
  const { before, step } = driver.steps[index]!;
  if (step.group.generationId === before.generationId) return;
  const told = step.replies.flatMap((reply) =>
    reply.kind === 'join' && reply.result.errorCode === ErrorCode.NONE ? [reply.result] : [],
  );
  if (step.group.state === GroupState.Empty) {
    expect(told).toEqual([]);
    return;
  }
  const leaders = told.filter(({ memberId, leader }) => memberId === leader);
  expect(leaders).toHaveLength(1);
  expect(leaders[0]!.members.map(({ memberId }) => memberId).sort()).toEqual(
    [...step.group.members.keys()].sort(),
  );
  for (const { memberId, generationId, members } of told) {
    expect(step.group.members.has(memberId)).toBe(true);
    expect(generationId).toBe(step.group.generationId);
    if (memberId !== leaders[0]!.memberId) expect(members).toEqual([]);
  }
}

/** An assignment is only ever given to a member, in the generation for which it was made. */
function checkSyncReplies(driver: MachineDriver, index: number): void {
  const { event, step } = driver.steps[index]!;
  for (const reply of step.replies) {
    if (reply.kind !== 'sync' || reply.result.errorCode !== ErrorCode.NONE) continue;
    expect(event.kind).toBe('sync');
    expect(step.group.state).toBe(GroupState.Stable);
    const text = reply.result.assignment.toString();
    const owner = [...step.group.members.values()].find(({ assignment }) =>
      assignment.equals(reply.result.assignment),
    );
    expect(owner).toBeDefined();
    // A static member's new process takes over what was made for the old one.
    if (owner!.instanceId === null && text.includes('@')) {
      expect(text).toBe(`${owner!.memberId}@${step.group.generationId}`);
    }
  }
}

/**
 * What must hold of a group at any time, and that nothing can wait without a timer that ends it.
 */
function checkShape({ group, timers }: MachineDriver): void {
  const members = [...group.members.values()];
  expect(group.state === GroupState.Empty).toBe(members.length === 0);
  if (members.length > 0) expect(group.members.has(group.leaderId!)).toBe(true);
  const instances = members.flatMap(({ instanceId }) => instanceId ?? []);
  expect(new Set(instances).size).toBe(instances.length);
  for (const member of members) {
    const isParked = member.joinTicket !== null || member.syncTicket !== null;
    const isTimed = timers.includes(`session/${member.memberId}`);
    expect(isTimed).toBe(!isParked || member.isNew);
    if (member.joinTicket !== null) expect(group.state).toBe(GroupState.PreparingRebalance);
    if (member.syncTicket !== null) expect(group.state).toBe(GroupState.CompletingRebalance);
  }
  for (const memberId of group.pending.keys()) expect(timers).toContain(`pending/${memberId}`);
  expect(timers.includes('rebalance')).toBe(group.state === GroupState.PreparingRebalance);
  if (group.state === GroupState.CompletingRebalance) expect(timers).toContain('sync');
}

/** The group as the store gives it back: members in the order of their ids, nothing parked. */
function asStored(group: Group): Group {
  const members = [...group.members.values()]
    .map((member) => ({
      ...member,
      joinTicket: null,
      syncTicket: null,
      isNew: false,
      owesSync: false,
    }))
    .sort((left, right) => (left.memberId < right.memberId ? -1 : 1));
  return {
    ...group,
    initialDelay: null,
    members: new Map(members.map((member) => [member.memberId, member])),
  };
}

describe('random histories', () => {
  test.each([0, 300])('keep the rules, with an initial delay of %i ms', (delayMs) => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 60 }), (actions) => {
        const history = new History(delayMs);
        for (const next of actions) history.run(next);
        history.finish();
      }),
      { numRuns: 150 },
    );
  });
});
