import type { Clock } from '@sluice/base';
import { ErrorCode } from '@sluice/wire';
import type { GroupLimits } from '../../limits';

/** Answers a request with an error code. */
export type Refusal = (errorCode: number) => void;

/** One request or timer. */
export interface Task {
  /** False: it runs whether or not the group is in memory. */
  needsGroup: boolean;
  /** The engine's own work, which the limit on waiting requests does not count. */
  isOwn: boolean;
  /** A promise keeps the tasks behind it waiting. To throw or to reject is a fault. */
  run(): Promise<void> | undefined;
  refuse: Refusal;
}

export interface TaskQueueDeps {
  clock: Clock;
  limits: GroupLimits;
  isLoaded: () => boolean;
  /** Brings the group into memory; NONE, or the error code for those who wait. Must not reject. */
  load: () => Promise<number>;
  /** A task has failed in a way that it should not; it is refused after this. */
  onFault: (error: Error) => void;
  onQuiet: () => void;
}

/**
 * The tasks of one group, one after the other; those that need no answer from Redis run at once.
 */
export class TaskQueue {
  #tasks: Task[] = [];
  #running: Promise<void> | null = null;
  #isLoadingSlowly = false;
  #stoppedWith: number | null = null;

  constructor(private readonly deps: TaskQueueDeps) {}

  get isStopped(): boolean {
    return this.#stoppedWith !== null;
  }

  /** Whether nothing runs or waits. */
  get isQuiet(): boolean {
    return this.#running === null && this.#tasks.length === 0;
  }

  add(task: Task): void {
    if (this.#stoppedWith !== null) {
      task.refuse(this.#stoppedWith);
    } else if (this.#isLoadingSlowly && task.needsGroup) {
      task.refuse(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    } else if (!task.isOwn && this.#tasks.length >= this.deps.limits.queuedRequestsPerGroupMax) {
      task.refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    } else {
      this.#tasks.push(task);
      this.#pump();
    }
  }

  /** Refuses what waits and what comes; resolves when the running task is done. */
  async stop(errorCode: number): Promise<void> {
    this.#stoppedWith = errorCode;
    this.#refuseAll(errorCode);
    await this.#running;
  }

  #pump(): void {
    while (this.#running === null && this.#tasks.length > 0) {
      const next = this.#tasks[0]!;
      const mustLoad = next.needsGroup && !this.deps.isLoaded();
      if (!mustLoad) this.#tasks.shift();
      const running = mustLoad ? this.#load() : this.#start(next);
      if (running === undefined) continue;
      this.#running = this.#after(running);
    }
    if (this.isQuiet) this.deps.onQuiet();
  }

  /** What goes wrong with one group must end neither its other tasks nor the process. */
  #start(task: Task): Promise<void> | undefined {
    const fail = (error: unknown) => {
      this.deps.onFault(error as Error);
      task.refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    };
    try {
      return task.run()?.catch(fail);
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  async #after(running: Promise<void>): Promise<void> {
    await running;
    this.#running = null;
    this.#pump();
  }

  async #load(): Promise<void> {
    const timer = this.deps.clock.setTimer(this.deps.limits.loadWaitMsMax, () => {
      this.#isLoadingSlowly = true;
      this.#refuseAll(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    });
    const errorCode = await this.deps.load();
    timer.cancel();
    this.#isLoadingSlowly = false;
    if (errorCode !== ErrorCode.NONE) this.#refuseAll(errorCode);
  }

  #refuseAll(errorCode: number): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task.refuse(errorCode);
  }
}
