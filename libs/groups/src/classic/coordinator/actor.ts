import { ErrorCode } from '@sluice/wire';
import type { OffsetToCommit } from '../../api';
import type { CommittedOffsets } from '../../store/offsets';
import type { CommitEvent, GroupEvent } from '../machine/events';
import type { Group } from '../machine/group';
import type { OwnedGroup } from '../stored/classic-store';
import { CommitLane } from './commit-lane';
import { inDoubt } from './failure-code';
import { GroupMemory, type GroupMemoryDeps } from './group-memory';
import { type Refusal, TaskQueue } from './task-queue';
import { Tickets } from './tickets';

export interface ActorDeps extends Omit<GroupMemoryDeps, 'tickets' | 'onDue' | 'onReloadDue'> {
  offsets: CommittedOffsets;
  /** Told each time the actor has nothing left to do. */
  onQuiet: (actor: GroupActor) => void;
}

type Work = () => Promise<void> | undefined;

const noRefusal: Refusal = () => {};

/** One group's requests, timers and other work, one after the other. */
export class GroupActor {
  readonly #queue: TaskQueue;
  readonly #memory: GroupMemory;
  readonly #commits: CommitLane;
  readonly #tickets = new Tickets();
  #lastUsedMs: number;

  constructor(
    readonly groupId: string,
    private readonly deps: ActorDeps,
  ) {
    this.#lastUsedMs = deps.clock.monotonicMs();
    const inTurn = (run: Work) => this.#inTurn(run);
    this.#memory = new GroupMemory(groupId, {
      ...deps,
      tickets: this.#tickets,
      onDue: inTurn,
      onReloadDue: () => this.wake(),
    });
    const { offsets, meter } = deps;
    this.#commits = new CommitLane({ offsets, memory: this.#memory, meter, inTurn });
    this.#queue = new TaskQueue({
      clock: deps.clock,
      limits: deps.limits,
      isLoaded: () => this.#memory.isCurrent,
      load: () => this.#memory.load(),
      onFault: (error) => this.#memory.quarantine(error),
      onQuiet: () => deps.onQuiet(this),
    });
  }

  /** The group as it is in memory; null where it is not, or does not exist. */
  get group(): Group | null {
    const { owned } = this.#memory;
    return owned === null || owned.fence === '' ? null : owned.group;
  }

  /** Requests that have no answer yet. */
  get waitingRequests(): number {
    return this.#tickets.count + this.#commits.inFlightCount;
  }

  /** Puts a request through the machine. The promise waits as long as the request is parked. */
  ask<T>(makeEvent: (ticket: number) => GroupEvent, refusal: (errorCode: number) => T): Promise<T> {
    return this.#request((answer, refuse) => {
      const ticket = this.#tickets.add({ answer: (result) => answer(result as T), refuse });
      return this.#memory.apply(makeEvent(ticket));
    }, refusal);
  }

  /** Deletes the group. @returns the error code */
  delete(): Promise<number> {
    return this.#request<number>(
      (answer, refuse) => {
        if (this.#memory.current().fence === '') {
          answer(ErrorCode.GROUP_ID_NOT_FOUND);
          return undefined;
        }
        const onResult = (result: unknown) => answer((result as { errorCode: number }).errorCode);
        const ticket = this.#tickets.add({ answer: onResult, refuse });
        return this.#memory.apply({ kind: 'delete', ticket });
      },
      (errorCode) => errorCode,
    );
  }

  /** Deletes what is stored of a group that cannot be read. @returns the error code */
  discard(): Promise<number> {
    return new Promise((resolve) => {
      this.#queue.add({
        needsGroup: false,
        isOwn: false,
        refuse: resolve,
        run: async () => {
          try {
            await this.deps.store.discard(this.groupId);
            this.#memory.forget(ErrorCode.NOT_COORDINATOR);
            this.deps.quarantine.release(this.groupId);
            resolve(ErrorCode.NONE);
          } catch (error) {
            resolve(inDoubt(error, this.#memory.failed('a deletion', error, 'never')));
          }
        },
      });
    });
  }

  /**
   * Writes committed offsets if the machine allows it; see `CommitLane`.
   *
   * @returns the error code
   */
  commit(claim: Omit<CommitEvent, 'kind' | 'ticket'>, offsets: OffsetToCommit[]): Promise<number> {
    return this.#request<number>(
      (answer) => {
        const { fence } = this.#memory.current();
        const asked = this.#memory.ask({ kind: 'commit', ticket: 0, ...claim });
        const isGone = fence === '' && claim.generationId >= 0;
        const errorCode = isGone ? ErrorCode.ILLEGAL_GENERATION : asked.errorCode;
        if (errorCode !== ErrorCode.NONE || offsets.length === 0) {
          answer(errorCode);
          return undefined;
        }
        if (fence === '') return this.#createAndCommit(offsets, answer);
        this.#commits.send(offsets, answer);
        return undefined;
      },
      (errorCode) => errorCode,
    );
  }

  /** Does something with the group while nothing else does. */
  use<T>(
    work: (owned: OwnedGroup) => T | Promise<T>,
    refusal: (errorCode: number) => T,
  ): Promise<T> {
    return this.#request<T>((answer) => {
      const result = work(this.#memory.current());
      if (!(result instanceof Promise)) {
        answer(result);
        return undefined;
      }
      return result.then(answer, (error: unknown) => {
        const errorCode = this.#memory.failed('a change of offsets', error, 'if-refused');
        answer(refusal(inDoubt(error, errorCode)));
      });
    }, refusal);
  }

  /**
   * Reads the group into memory so that its timers run, or reads it again where it was somebody
   * else's meanwhile; without waiting for it.
   */
  wake(): void {
    this.#queue.add({ needsGroup: true, isOwn: true, refuse: noRefusal, run: () => undefined });
  }

  /** Reads the group again, if it is in memory and was somebody else's meanwhile. */
  checkOwner(): void {
    if (this.#memory.owned !== null && !this.#memory.isCurrent) this.wake();
  }

  /**
   * Forgets the group, which is gone from Redis; unless it has members, which have come since then.
   */
  dropGone(): void {
    this.#inTurn(() => {
      const group = this.#memory.owned?.group;
      const isInUse = group !== undefined && group.members.size + group.pending.size > 0;
      if (!isInUse) this.#memory.forget(ErrorCode.NOT_COORDINATOR);
      return undefined;
    });
  }

  /**
   * Checks that the group is still as it was left, and takes it anew; for when Redis may have lost
   * its last writes, or may still be sent some that were given up.
   */
  renew(): void {
    this.#inTurn(() => this.#memory.renew());
  }

  /**
   * Whether nothing is lost if the actor is dropped now. A group that exists is kept for a while.
   */
  isDisposable(idleMs: number): boolean {
    const isBusy = this.#tickets.count > 0 || this.#commits.inFlightCount > 0;
    if (!this.#queue.isQuiet || isBusy || this.#memory.isOwedReload) return false;
    const { owned } = this.#memory;
    if (owned === null || owned.fence === '') return true;
    const { members, pending } = owned.group;
    const unusedMs = this.deps.clock.monotonicMs() - this.#lastUsedMs;
    return members.size === 0 && pending.size === 0 && unusedMs >= idleMs;
  }

  /** Refuses all that waits, and what comes from now on; waits for what is on its way to Redis. */
  async stop(errorCode: number): Promise<void> {
    const stopped = this.#queue.stop(errorCode);
    this.#memory.stop(errorCode);
    await stopped;
    await this.#commits.settled();
  }

  #request<T>(
    run: (answer: (result: T) => void, refuse: Refusal) => Promise<void> | undefined,
    refusal: (errorCode: number) => T,
  ): Promise<T> {
    this.#lastUsedMs = this.deps.clock.monotonicMs();
    return new Promise<T>((resolve) => {
      const refuse = (errorCode: number) => resolve(refusal(errorCode));
      const isFlooded = this.#commits.inFlightCount >= this.deps.limits.queuedRequestsPerGroupMax;
      if (isFlooded) refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
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

  #inTurn(run: Work): void {
    this.#queue.add({ needsGroup: false, isOwn: true, refuse: noRefusal, run });
  }

  /** Makes a group of committed offsets only, and commits. */
  async #createAndCommit(
    offsets: OffsetToCommit[],
    answer: (errorCode: number) => void,
  ): Promise<void> {
    try {
      await this.#memory.create();
    } catch (error) {
      answer(this.#memory.failed('a new group', error, 'if-refused'));
      return;
    }
    if (this.#memory.isCurrent) this.#commits.send(offsets, answer);
    else answer(ErrorCode.NOT_COORDINATOR);
  }
}
