import type { Timer } from '@sluice/base';
import { FakeClock } from '@sluice/test/support/fake-clock';
import type { GroupProtocol, JoinResult, LeaveResult, LeavingMember, SyncResult } from '../src/api';
import { defaultGroupLimits, type GroupLimits } from '../src/limits';
import type { GroupEvent, JoinEvent, Step, SyncEvent } from '../src/classic/machine/events';
import { type Group, newGroup, type TimerId } from '../src/classic/machine/group';
import { recover, step } from '../src/classic/machine/machine';

/** The subscription that a consumer sends: version 0, topics, no user data. */
export function subscription(...topics: string[]): Buffer {
  const parts = [Buffer.from([0, 0, 0, 0, 0, topics.length])];
  for (const topic of topics) parts.push(Buffer.from([0, topic.length]), Buffer.from(topic));
  return Buffer.concat([...parts, Buffer.from([0xff, 0xff, 0xff, 0xff])]);
}

/** Protocols that carry the same metadata. */
export function offers(names: string[], metadata = subscription('orders')): GroupProtocol[] {
  return names.map((name) => ({ name, metadata }));
}

export type JoinOptions = Partial<Omit<JoinEvent, 'kind' | 'ticket'>>;

/**
 * Plays the part of the coordinator: keeps the group, runs its timers on a fake clock, collects the
 * answers.
 */
export class MachineDriver {
  readonly clock = new FakeClock();
  readonly limits: GroupLimits;
  readonly steps: { before: Group; event: GroupEvent; step: Step }[] = [];
  group: Group = newGroup('g');
  #answers = new Map<number, unknown>();
  #timers = new Map<TimerId, Timer>();
  #nextTicket = 1;
  #nextId = 1;

  constructor(limits: Partial<GroupLimits> = {}) {
    this.limits = { ...defaultGroupLimits, initialRebalanceDelayMs: 0, ...limits };
  }

  get timers(): TimerId[] {
    return [...this.#timers.keys()];
  }

  /** Sends a JoinGroup; the ticket is for `joined`. */
  join(options: JoinOptions = {}): number {
    const ticket = this.#nextTicket++;
    this.send({
      kind: 'join',
      ticket,
      memberId: '',
      newMemberId: `m${this.#nextId++}`,
      instanceId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      protocolType: 'consumer',
      protocols: offers(['range']),
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 30_000,
      requireKnownMemberId: false,
      supportsSkippingAssignment: false,
      ...options,
    });
    return ticket;
  }

  sync(memberId: string, options: Partial<Omit<SyncEvent, 'kind' | 'ticket'>> = {}): number {
    const ticket = this.#nextTicket++;
    this.send({
      kind: 'sync',
      ticket,
      memberId,
      instanceId: null,
      generationId: this.group.generationId,
      protocolType: null,
      protocolName: null,
      assignments: [],
      ...options,
    });
    return ticket;
  }

  heartbeat(memberId: string, generationId = this.group.generationId, instanceId?: string): number {
    return this.#plain({ kind: 'heartbeat', memberId, generationId, instanceId });
  }

  commit(memberId: string, generationId = this.group.generationId, instanceId?: string): number {
    return this.#plain({ kind: 'commit', memberId, generationId, instanceId });
  }

  leave(...members: (string | LeavingMember)[]): LeaveResult {
    const ticket = this.#nextTicket++;
    this.send({
      kind: 'leave',
      ticket,
      members: members.map((member) =>
        typeof member === 'string' ? { memberId: member, groupInstanceId: null } : member,
      ),
    });
    return this.#answers.get(ticket) as LeaveResult;
  }

  delete(): number {
    const ticket = this.#nextTicket++;
    this.send({ kind: 'delete', ticket });
    return (this.#answers.get(ticket) as { errorCode: number }).errorCode;
  }

  joined(ticket: number): JoinResult | undefined {
    return this.#answers.get(ticket) as JoinResult | undefined;
  }

  synced(ticket: number): SyncResult | undefined {
    return this.#answers.get(ticket) as SyncResult | undefined;
  }

  isAnswered(ticket: number): boolean {
    return this.#answers.has(ticket);
  }

  /** What a restarted gateway does: everything parked is lost, the timers begin anew. */
  restart(stored: Group): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#accept(recover(stored));
  }

  send(event: GroupEvent): void {
    const before = this.group;
    const next = step(before, event, this.limits);
    this.steps.push({ before, event, step: next });
    this.#accept(next);
  }

  /** A stable group of so many members; gives their ids, the leader first. */
  stable(count: number, options: (index: number) => JoinOptions = () => ({})): string[] {
    const tickets = [this.join(options(0))];
    for (let index = 1; index < count; index += 1) tickets.push(this.join(options(index)));
    const first = this.joined(tickets[0]!)!;
    if (count > 1) tickets[0] = this.join({ ...options(0), memberId: first.memberId });
    // Members that joined while others had the generation are asked to join again.
    this.clock.advance(0);
    const ids = tickets.map((ticket) => this.joined(ticket)!.memberId);
    const leader = this.group.leaderId!;
    for (const id of ids) if (id !== leader) this.sync(id, { instanceId: this.#instanceOf(id) });
    const assignments = ids.map((memberId) => ({ memberId, assignment: Buffer.from(memberId) }));
    this.sync(leader, { instanceId: this.#instanceOf(leader), assignments });
    return [leader, ...ids.filter((id) => id !== leader)];
  }

  #instanceOf(memberId: string): string | null {
    return this.group.members.get(memberId)?.instanceId ?? null;
  }

  #plain(event: {
    kind: 'heartbeat' | 'commit';
    memberId: string;
    generationId: number;
    instanceId: string | undefined;
  }): number {
    const ticket = this.#nextTicket++;
    this.send({ ...event, ticket, instanceId: event.instanceId ?? null });
    return (this.#answers.get(ticket) as { errorCode: number }).errorCode;
  }

  #accept(next: Step): void {
    this.group = next.group;
    for (const { timer, delayMs } of next.timers) {
      this.#timers.get(timer)?.cancel();
      this.#timers.delete(timer);
      if (delayMs === null) continue;
      const run = () => {
        this.#timers.delete(timer);
        this.send({ kind: 'timer', timer });
      };
      this.#timers.set(timer, this.clock.setTimer(delayMs, run));
    }
    for (const { ticket, result } of next.replies) {
      if (this.#answers.has(ticket)) throw new Error(`the ticket ${ticket} was answered twice`);
      this.#answers.set(ticket, result);
    }
  }
}
