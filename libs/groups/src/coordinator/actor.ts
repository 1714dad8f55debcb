import type { Clock, Logger, Random, Timer } from '@sluice/base';
import { RedisUnavailable } from '@sluice/redis';
import { ErrorCode } from '@sluice/wire';
import type { OffsetToCommit } from '../api';
import type { GroupLimits } from '../limits';
import type { CommitEvent, GroupEvent, Step } from '../machine/events';
import { newGroup } from '../machine/group';
import { recover, step } from '../machine/machine';
import { GroupState } from '../machine/states';
import { changesBetween, type StoredChanges } from '../store/group-codec';
import { type GroupStore, type LoadedGroup, StaleGroup } from '../store/store';
import { GroupTimers } from './group-timers';
import { type Refusal, TaskQueue } from './task-queue';

export interface ActorDeps {
  store: GroupStore;
  clock: Clock;
  random: Random;
  log: Logger;
  limits: GroupLimits;
  /** Told each time the actor has nothing left to do. */
  onQuiet: (actor: GroupActor) => void;
}

interface Waiting {
  answer(result: unknown): void;
  refuse: Refusal;
}

/** When memory may be kept after a failure. */
type Keep = 'always' | 'unless-stale' | 'if-refused' | 'never';

const unavailable = ErrorCode.COORDINATOR_NOT_AVAILABLE;
const noChanges: StoredChanges = { set: [], removed: [], emptiness: 'same' };

/**
 * One group in memory. Its requests and timers come one after the other; each is put through the
 * machine, what changed is stored, and only then are the answers given and the timers set. When
 * storing fails, memory goes back to what is stored: so it is never ahead of Redis, and nobody is
 * told what is not so.
 */
export class GroupActor {
  readonly #queue: TaskQueue;
  #loaded: LoadedGroup | null = null;
  #nextTicket = 1;
  /**
   * Requests in the machine without an answer yet: the one that is being stored, and the parked
   * ones.
   */
  readonly #waiting = new Map<number, Waiting>();
  readonly #timers: GroupTimers;
  /** Set while a group with members is not in memory though it should be, because Redis failed. */
  #reload: Timer | null = null;
  #isOwedReload = false;
  readonly #commitsInFlight = new Set<Promise<void>>();
  #lastUsedMs: number;

  constructor(
    readonly groupId: string,
    private readonly deps: ActorDeps,
  ) {
    this.#lastUsedMs = deps.clock.monotonicMs();
    this.#queue = new TaskQueue({
      clock: deps.clock,
      limits: deps.limits,
      isLoaded: () => this.#loaded !== null,
      load: () => this.#load(),
      onQuiet: () => deps.onQuiet(this),
    });
    this.#timers = new GroupTimers({
      clock: deps.clock,
      latenessMsMax: deps.limits.sessionLatenessMsMax,
      onDue: (timer, take) => {
        const run = () => (take() ? this.#apply({ kind: 'timer', timer }) : undefined);
        this.#queue.add({ needsGroup: false, isOwn: true, refuse: () => {}, run });
      },
    });
  }

  /** Puts a request through the machine. The promise waits as long as the request is parked. */
  ask<T>(makeEvent: (ticket: number) => GroupEvent, refusal: (errorCode: number) => T): Promise<T> {
    return this.#request((answer, refuse) => {
      const ticket = this.#nextTicket++;
      this.#waiting.set(ticket, { answer: (result) => answer(result as T), refuse });
      return this.#apply(makeEvent(ticket));
    }, refusal);
  }

  /** Deletes the group. @returns the error code */
  delete(): Promise<number> {
    return this.#request<number>(
      (answer, refuse) => {
        if (this.#current().fence === '') {
          answer(ErrorCode.GROUP_ID_NOT_FOUND);
          return undefined;
        }
        const ticket = this.#nextTicket++;
        const onResult = (result: unknown) => answer((result as { errorCode: number }).errorCode);
        this.#waiting.set(ticket, { answer: onResult, refuse });
        return this.#apply({ kind: 'delete', ticket });
      },
      (errorCode) => errorCode,
    );
  }

  /**
   * Writes committed offsets if the machine allows it. The group goes on with the next request once
   * the write is sent: what follows is sent later on the same connection, and so happens later.
   * @returns the error code
   */
  commit(claim: Omit<CommitEvent, 'kind' | 'ticket'>, offsets: OffsetToCommit[]): Promise<number> {
    return this.#request<number>(
      (answer) => {
        const loaded = this.#current();
        const next = step(loaded.group, { kind: 'commit', ticket: 0, ...claim }, this.deps.limits);
        const reply = next.replies[0]!.result as { errorCode: number };
        const isGone = loaded.fence === '' && claim.generationId >= 0;
        const errorCode = isGone ? ErrorCode.ILLEGAL_GENERATION : reply.errorCode;
        this.#timers.change(next.timers);
        if (errorCode !== ErrorCode.NONE || offsets.length === 0) {
          answer(errorCode);
          return undefined;
        }
        if (loaded.fence !== '') {
          this.#sendCommit(offsets, answer);
          return undefined;
        }
        return this.#createAndCommit(offsets, answer);
      },
      (errorCode) => errorCode,
    );
  }

  /** Does something with the group while nothing else does. */
  use<T>(
    work: (loaded: LoadedGroup) => T | Promise<T>,
    refusal: (errorCode: number) => T,
  ): Promise<T> {
    return this.#request<T>((answer) => {
      const result = work(this.#current());
      if (!(result instanceof Promise)) {
        answer(result);
        return undefined;
      }
      return result.then(answer, (error: unknown) => {
        answer(refusal(this.#failed('a change of offsets', error, 'unless-stale')));
      });
    }, refusal);
  }

  /**
   * For the sweeper: as `use`, but the group is given only if it is in memory, and is forgotten
   * when the work says that it is gone.
   *
   * @throws what the work throws
   */
  sweep(work: (loaded: LoadedGroup | null) => Promise<{ isGone: boolean }>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.add({
        needsGroup: false,
        isOwn: true,
        refuse: () => resolve(),
        run: async () => {
          try {
            const { isGone } = await work(this.#loaded);
            if (isGone) this.#forget(ErrorCode.NOT_COORDINATOR);
            resolve();
          } catch (error) {
            reject(error as Error);
          }
        },
      });
    });
  }

  /** Reads the group into memory so that its timers run, without waiting for it. */
  wake(): void {
    this.#queue.add({ needsGroup: true, isOwn: true, refuse: () => {}, run: () => undefined });
  }

  /**
   * Checks that the group is still as it was left; for when Redis may have lost its last writes.
   */
  verify(): void {
    this.#queue.add({
      needsGroup: false,
      isOwn: true,
      refuse: () => {},
      run: async () => {
        if (this.#loaded === null) return;
        try {
          if (await this.deps.store.isCurrent(this.#loaded)) return;
          this.#failed('a check', new StaleGroup(this.groupId), 'never');
        } catch (error) {
          this.#failed('a check', error, 'never');
        }
      },
    });
  }

  /**
   * Whether nothing is lost if the actor is dropped now. A group that exists is kept for a while.
   */
  isDisposable(idleMs: number): boolean {
    if (!this.#queue.isQuiet || this.#waiting.size > 0 || this.#commitsInFlight.size > 0)
      return false;
    if (this.#isOwedReload) return false;
    if (this.#loaded === null || this.#loaded.fence === '') return true;
    const { members, pending } = this.#loaded.group;
    const unusedMs = this.deps.clock.monotonicMs() - this.#lastUsedMs;
    return members.size === 0 && pending.size === 0 && unusedMs >= idleMs;
  }

  /** Refuses all that waits, and what comes from now on; waits for what is on its way to Redis. */
  async stop(errorCode: number): Promise<void> {
    const stopped = this.#queue.stop(errorCode);
    this.#reload?.cancel();
    this.#isOwedReload = false;
    this.#forget(errorCode);
    await stopped;
    await Promise.allSettled(this.#commitsInFlight);
  }

  #request<T>(
    run: (answer: (result: T) => void, refuse: Refusal) => Promise<void> | undefined,
    refusal: (errorCode: number) => T,
  ): Promise<T> {
    this.#lastUsedMs = this.deps.clock.monotonicMs();
    return new Promise<T>((resolve) => {
      const refuse = (errorCode: number) => resolve(refusal(errorCode));
      const isFlooded = this.#commitsInFlight.size >= this.deps.limits.queuedRequestsPerGroupMax;
      if (isFlooded) refuse(unavailable);
      else {
        this.#queue.add({
          needsGroup: true,
          isOwn: false,
          refuse,
          run: () => run(resolve, refuse),
        });
      }
    });
  }

  #current(): LoadedGroup {
    // The queue runs a task that needs the group only when it is there.
    return this.#loaded!;
  }

  #apply(event: GroupEvent): Promise<void> | undefined {
    const before = this.#current();
    const next = step(before.group, event, this.deps.limits);
    const isDead = next.group.state === GroupState.Dead;
    const changes = isDead ? noChanges : changesBetween(before.group, next.group);
    if (changes !== null) return this.#store(before, next, changes, event);
    this.#accept(next, before.fence);
    return undefined;
  }

  async #store(
    before: LoadedGroup,
    next: Step,
    changes: StoredChanges,
    event: GroupEvent,
  ): Promise<void> {
    const { store } = this.deps;
    const isDead = next.group.state === GroupState.Dead;
    try {
      if (isDead) await store.delete(before);
      const after = { group: next.group, fence: before.fence };
      const fence = isDead ? '' : await store.save(after, changes, () => this.deps.random.uuid());
      if (this.#queue.isStopped) return;
      this.#accept(next, fence);
      if (isDead) this.#forget(ErrorCode.NOT_COORDINATOR);
    } catch (error) {
      const ticket = event.kind === 'timer' ? null : event.ticket;
      const keep = ticket === null ? 'never' : 'if-refused';
      const errorCode = this.#failed(`a ${event.kind}`, error, keep);
      if (ticket !== null) this.#take(ticket)?.refuse(errorCode);
    }
  }

  #accept(next: Step, fence: string): void {
    this.#loaded = { group: next.group, fence };
    this.#timers.change(next.timers);
    for (const { ticket, result } of next.replies) this.#take(ticket)?.answer(result);
  }

  /** Makes a group of committed offsets only, and commits. */
  async #createAndCommit(
    offsets: OffsetToCommit[],
    answer: (errorCode: number) => void,
  ): Promise<void> {
    const { group, fence } = this.#current();
    try {
      const after = { group, fence };
      const next = await this.deps.store.save(after, noChanges, () => this.deps.random.uuid());
      if (this.#queue.isStopped) {
        answer(ErrorCode.NOT_COORDINATOR);
        return;
      }
      this.#loaded = { group, fence: next };
      this.#sendCommit(offsets, answer);
    } catch (error) {
      answer(this.#failed('a new group', error, 'if-refused'));
    }
  }

  #sendCommit(offsets: OffsetToCommit[], answer: (errorCode: number) => void): void {
    const used = this.#current();
    const sent = this.deps.store.commit(used, offsets).then(
      () => answer(ErrorCode.NONE),
      (error: unknown) => {
        answer(error instanceof StaleGroup ? ErrorCode.NOT_COORDINATOR : unavailable);
        this.#giveUp(used.fence, error);
      },
    );
    this.#commitsInFlight.add(sent);
    void sent.then(() => this.#commitsInFlight.delete(sent));
  }

  /**
   * After a commit that failed: if somebody else has the group, it is read again when its turn
   * comes.
   */
  #giveUp(usedFence: string, error: unknown): void {
    const run = () => {
      const isCurrent = this.#loaded?.fence === usedFence;
      this.#failed('a commit', error, isCurrent ? 'unless-stale' : 'always');
      return undefined;
    };
    this.#queue.add({ needsGroup: false, isOwn: true, refuse: () => {}, run });
  }

  /**
   * Goes back to what is stored, unless memory is kept because the failure cannot have parted the
   * two.
   *
   * @returns the error code for whoever asked
   */
  #failed(what: string, error: unknown, keep: Keep): number {
    const isStale = error instanceof StaleGroup;
    const errorCode = isStale ? ErrorCode.NOT_COORDINATOR : unavailable;
    const message = (error as Error).message;
    this.deps.log.warn(`Could not store ${what} of a group`, { group: this.groupId, message });
    const isKept =
      keep === 'always' ||
      (keep === 'unless-stale' && !isStale) ||
      (keep === 'if-refused' && error instanceof RedisUnavailable);
    if (isKept || this.#queue.isStopped) return errorCode;
    const { members, pending } = this.#loaded?.group ?? newGroup(this.groupId);
    this.#forget(errorCode);
    if (members.size + pending.size > 0) this.#scheduleReload();
    return errorCode;
  }

  /** Drops the group from memory; parked requests are refused, and their members ask again. */
  #forget(errorCode: number): void {
    this.#loaded = null;
    this.#timers.clear();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { refuse } of waiting) refuse(errorCode);
  }

  async #load(): Promise<number> {
    const { store, log, limits } = this.deps;
    try {
      const found = await store.load(this.groupId);
      this.#isOwedReload = false;
      if (this.#queue.isStopped) return ErrorCode.NOT_COORDINATOR;
      if (found === null) this.#loaded = { group: newGroup(this.groupId), fence: '' };
      else this.#accept(recover(found.group), found.fence);
      return ErrorCode.NONE;
    } catch (error) {
      const facts = { group: this.groupId, error: (error as Error).message };
      log.warn('Could not read a group', { ...facts, retryMs: limits.reloadDelayMs });
      if (this.#isOwedReload && !this.#queue.isStopped) this.#scheduleReload();
      return unavailable;
    }
  }

  /**
   * Without a reload the sessions of members that are gone would not run out until somebody asks.
   */
  #scheduleReload(): void {
    this.#isOwedReload = true;
    this.#reload?.cancel();
    this.#reload = this.deps.clock.setTimer(this.deps.limits.reloadDelayMs, () => this.wake());
  }

  #take(ticket: number): Waiting | undefined {
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    return waiting;
  }
}
