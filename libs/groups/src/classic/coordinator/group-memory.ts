import type { Clock, Timer } from '@sluice/base';
import { RedisUnavailable } from '@sluice/redis';
import { ErrorCode } from '@sluice/wire';
import { assignedInstead } from '../../coordinator/assigned-instead';
import type { Quarantine } from '../../coordinator/quarantine';
import type { Troubles } from '../../coordinator/troubles';
import type { GroupLimits } from '../../limits';
import type { GroupMeter } from '../../metrics';
import { AssignedGroupInUse, OutdatedCoordinator, StaleGroup } from '../../store/errors';
import { epochOfFence } from '../../store/fence';
import { noChanges, type StateChanges } from '../../store/group-states';
import type { GroupEvent, Step } from '../machine/events';
import { newGroup, type TimerId } from '../machine/group';
import { recover, step } from '../machine/machine';
import { GroupState } from '../machine/states';
import type { ClassicStore, OwnedGroup, TakenGroup } from '../stored/classic-store';
import { changesBetween } from '../stored/group-codec';
import { inDoubt, isRedisFailure } from './failure-code';
import { GroupTimers } from './group-timers';
import type { Tickets } from './tickets';

export interface GroupMemoryDeps {
  store: ClassicStore;
  clock: Clock;
  limits: GroupLimits;
  troubles: Troubles;
  quarantine: Quarantine;
  tickets: Tickets;
  meter: GroupMeter;
  /** The epoch with which this coordinator has the group; null where it has it no more. */
  coordinatorEpoch: () => number | null;
  /** Has the cluster raise that epoch above another, where this coordinator is the right one. */
  raiseEpoch: (above: number) => Promise<void>;
  /** A timer is due: `run` is to be called when its turn among the requests comes. */
  onDue: (run: () => Promise<void> | undefined) => void;
  /** The group is to be read into memory, though nobody asks for it. */
  onReloadDue: () => void;
}

/** When memory may be kept after a failure. */
export type Keep = 'always' | 'unless-stale' | 'if-refused' | 'never';

const unavailable = ErrorCode.COORDINATOR_NOT_AVAILABLE;

/**
 * A group as it is in memory: each event is put through the machine, what changed is stored, and
 * only then are the answers given and the timers set. When storing fails, memory goes back to what
 * is stored: so it is never ahead of Redis, and nobody is told what is not so.
 *
 * Whoever uses it does one thing after another, and waits for the promises in between.
 */
export class GroupMemory {
  #owned: OwnedGroup | null = null;
  /** With which it was taken. */
  #epoch = 0;
  #isStopped = false;
  readonly #timers: GroupTimers;
  /** Set while a group with members is not in memory though it should be, because Redis failed. */
  #reload: Timer | null = null;

  constructor(
    readonly groupId: string,
    private readonly deps: GroupMemoryDeps,
  ) {
    this.#timers = new GroupTimers({
      clock: deps.clock,
      latenessMsMax: deps.limits.sessionLatenessMsMax,
      onDue: (timer, take) => deps.onDue(() => this.#onTimer(timer, take)),
    });
  }

  /** What is in memory; null when the group is to be read first. */
  get owned(): OwnedGroup | null {
    return this.#owned;
  }

  /** Whether what is in memory may be answered from, and written: nobody had the group since. */
  get isCurrent(): boolean {
    return this.#owned !== null && this.deps.coordinatorEpoch() === this.#epoch;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Whether the group will be read again without being asked for. */
  get isOwedReload(): boolean {
    return this.#reload !== null;
  }

  /** The group must be in memory. */
  current(): OwnedGroup {
    return this.#owned!;
  }

  /** Puts an event through the machine; undefined when nothing had to be stored. */
  apply(event: GroupEvent): Promise<void> | undefined {
    const before = this.current();
    const next = step(before.group, event, this.deps.limits);
    const isDead = next.group.state === GroupState.Dead;
    const changes = isDead ? noChanges : changesBetween(before.group, next.group);
    if (changes !== null) return this.#store(before, next, changes, event);
    this.#accept(next, before.fence);
    return undefined;
  }

  /** What the machine says to an event that changes nothing but timers. @returns its answer */
  ask(event: GroupEvent): { errorCode: number } {
    const next = step(this.current().group, event, this.deps.limits);
    this.#timers.change(next.timers);
    return next.replies[0]!.result as { errorCode: number };
  }

  /** Makes a group of committed offsets only. @throws as the store */
  async create(): Promise<void> {
    const owned = this.current();
    const fence = await this.deps.store.save(owned, noChanges, this.#epoch);
    if (!this.#isStopped) this.#owned = { ...owned, fence };
  }

  /**
   * Takes the group and brings it into memory. What is there of it is dropped: somebody else may
   * have had the group meanwhile.
   *
   * @returns NONE, or the code for those who wait
   */
  async load(): Promise<number> {
    const { quarantine } = this.deps;
    if (this.#owned !== null) this.forget(ErrorCode.NOT_COORDINATOR);
    if (quarantine.holds(this.groupId)) return unavailable;
    try {
      const taken = await this.#take();
      this.#cancelReload();
      if (this.#isStopped) return ErrorCode.NOT_COORDINATOR;
      this.#enter(taken);
      quarantine.release(this.groupId);
      return ErrorCode.NONE;
    } catch (error) {
      if (error instanceof AssignedGroupInUse) return this.#leaveToMembers();
      if (!isFromOutside(error)) {
        this.quarantine(error as Error);
        return unavailable;
      }
      if (!this.#isExpected(error)) this.deps.troubles.note('reading it', this.groupId, error);
      if (error instanceof OutdatedCoordinator) this.#cancelReload();
      if (this.isOwedReload && !this.#isStopped) this.#scheduleReload();
      return codeOf(error);
    }
  }

  /**
   * Gives the group another fence, so that nothing that was sent before can still be done. What is
   * in memory stays if nobody else has changed the group.
   */
  async renew(): Promise<void> {
    const before = this.#owned;
    if (before === null) return;
    if (!this.isCurrent) return this.#letGo();
    try {
      const taken = await this.deps.store.take(this.groupId, this.#epoch);
      if (this.#isStopped) return;
      if ((taken?.previousFence ?? '') === before.fence) {
        this.#owned = { group: before.group, fence: taken?.fence ?? '' };
        return;
      }
      this.deps.troubles.note('a check', this.groupId, new StaleGroup(this.groupId));
      this.forget(ErrorCode.NOT_COORDINATOR);
      this.#enter(taken);
    } catch (error) {
      this.failed('a check', error, 'never');
    }
  }

  /**
   * Goes back to what is stored, unless memory is kept because the failure cannot have parted the
   * two. A fault that is not of Redis puts the group in quarantine.
   *
   * @returns the error code for whoever asked
   */
  failed(what: string, error: unknown, keep: Keep): number {
    if (error instanceof AssignedGroupInUse) return this.#leaveToMembers();
    if (!isFromOutside(error)) {
      this.quarantine(error as Error);
      return unavailable;
    }
    const errorCode = codeOf(error);
    if (!this.#isExpected(error)) this.deps.troubles.note(what, this.groupId, error);
    const isKept =
      keep === 'always' ||
      (keep === 'unless-stale' && errorCode === unavailable) ||
      (keep === 'if-refused' && error instanceof RedisUnavailable);
    if (isKept || this.#isStopped) return errorCode;
    const { members, pending } = this.#owned?.group ?? newGroup(this.groupId);
    this.forget(errorCode);
    const isOurs = !(error instanceof OutdatedCoordinator) && this.#isOurs;
    if (isOurs && members.size + pending.size > 0) this.#scheduleReload();
    return errorCode;
  }

  /** Drops the group, which cannot be served; the next try is in `quarantineMs`. */
  quarantine(error: Error): void {
    if (this.#isStopped) return;
    this.deps.quarantine.add(this.groupId, error);
    this.#cancelReload();
    this.forget(unavailable);
  }

  /** Drops the group from memory; parked requests are refused, and their members ask again. */
  forget(errorCode: number): void {
    this.#owned = null;
    this.#timers.clear();
    this.deps.tickets.refuseAll(errorCode);
  }

  /** Nothing is taken into memory any more. */
  stop(errorCode: number): void {
    this.#isStopped = true;
    this.#cancelReload();
    this.forget(errorCode);
  }

  /** The group has members of the other engine. */
  #leaveToMembers(): number {
    this.#cancelReload();
    this.deps.quarantine.release(this.groupId);
    this.forget(assignedInstead);
    return assignedInstead;
  }

  get #isOurs(): boolean {
    return this.deps.coordinatorEpoch() !== null;
  }

  /** That another has changed the group is no trouble where it is that one's by now. */
  #isExpected(error: unknown): boolean {
    return isRival(error) && !this.#isOurs;
  }

  /** Somebody else has the group, or had it meanwhile. */
  #letGo(): void {
    const { members, pending } = this.#owned?.group ?? newGroup(this.groupId);
    this.forget(ErrorCode.NOT_COORDINATOR);
    if (this.#isOurs && members.size + pending.size > 0) this.#scheduleReload();
  }

  #onTimer(timer: TimerId, take: () => boolean): Promise<void> | undefined {
    if (!take()) return undefined;
    if (this.isCurrent) return this.apply({ kind: 'timer', timer });
    this.#letGo();
    return undefined;
  }

  /** @throws as the store; OutdatedCoordinator also where this coordinator has no epoch */
  async #take(): Promise<TakenGroup | null> {
    try {
      return await this.#takeWith(this.deps.coordinatorEpoch());
    } catch (error) {
      if (!(error instanceof OutdatedCoordinator) || !this.#isOurs) throw error;
      // Either this coordinator's time is over, and it will hear of it; then nothing is raised. Or
      // the registry has lost its last writes, and who had the group with a later epoch has none.
      await this.deps.raiseEpoch(epochOfFence(error.fence));
      return this.#takeWith(this.deps.coordinatorEpoch());
    }
  }

  async #takeWith(epoch: number | null): Promise<TakenGroup | null> {
    if (epoch === null) throw new OutdatedCoordinator(this.groupId, '');
    const taken = await this.deps.store.take(this.groupId, epoch);
    this.#epoch = epoch;
    return taken;
  }

  async #store(
    before: OwnedGroup,
    next: Step,
    changes: StateChanges,
    event: GroupEvent,
  ): Promise<void> {
    const { store, tickets } = this.deps;
    const isDead = next.group.state === GroupState.Dead;
    try {
      if (isDead) await store.delete(before);
      const after = { group: next.group, fence: before.fence };
      const fence = isDead ? '' : await store.save(after, changes, this.#epoch);
      if (this.#isStopped) return;
      if (next.group.generationId !== before.group.generationId) {
        this.deps.meter.generations.add(1);
      }
      this.#accept(next, fence);
      if (isDead) this.forget(ErrorCode.NOT_COORDINATOR);
    } catch (error) {
      const ticket = event.kind === 'timer' ? null : event.ticket;
      // Who deletes wants to know that it may be done, and is told before all are told the same;
      // members ask again.
      if (event.kind === 'delete' && isFromOutside(error)) {
        tickets.refuse(event.ticket, inDoubt(error, codeOf(error)));
      }
      const keep = ticket === null ? 'never' : 'if-refused';
      const errorCode = this.failed(`a ${event.kind}`, error, keep);
      if (ticket !== null) tickets.refuse(ticket, errorCode);
    }
  }

  #accept(next: Step, fence: string): void {
    this.#owned = { group: next.group, fence };
    this.#timers.change(next.timers);
    for (const { ticket, result } of next.replies) this.deps.tickets.answer(ticket, result);
  }

  #enter(taken: TakenGroup | null): void {
    if (taken === null) this.#owned = { group: newGroup(this.groupId), fence: '' };
    else this.#accept(recover(taken.group), taken.fence);
  }

  /**
   * Without a reload the sessions of members that are gone would not run out until somebody asks.
   */
  #scheduleReload(): void {
    const { clock, limits, onReloadDue } = this.deps;
    this.#cancelReload();
    this.#reload = clock.setTimer(limits.reloadDelayMs, onReloadDue);
  }

  #cancelReload(): void {
    this.#reload?.cancel();
    this.#reload = null;
  }
}

/** Whether the failure is Redis' or another coordinator's doing, and not of this group. */
function isFromOutside(error: unknown): boolean {
  return isRedisFailure(error) || isRival(error);
}

function isRival(error: unknown): boolean {
  return error instanceof StaleGroup || error instanceof OutdatedCoordinator;
}

function codeOf(error: unknown): number {
  return isRival(error) ? ErrorCode.NOT_COORDINATOR : unavailable;
}
