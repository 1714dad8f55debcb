import type { Clock, Timer } from './clock';
import { baseLimits } from './limits';
import type { Logger } from './logger';

/** Something that begins and ends with the process: a connection, a listener, work in rounds. */
export interface Part {
  /** For the log, as `the topics`. */
  readonly name: string;
  /**
   * Begins it. `stop` is also called after a start that failed half way. A part without it has
   * begun when it is handed over.
   */
  start?(): Promise<unknown> | void;
  /** Ends all of it. Called once. */
  stop(): Promise<unknown> | void;
  /** How long its stop may take; without it `baseLimits.partStopMsMax`. */
  readonly stopMsMax?: number;
}

/** A start was given up because a stop was asked for meanwhile; nothing is wrong. */
export class StartGivenUp extends Error {
  constructor() {
    super('stopped before the start was through');
  }
}

/**
 * The order in which a process starts and stops. Whoever makes a part hands it over at once, so a
 * part is never without an owner: whatever fails, all that has begun is stopped, the last first.
 * A part is handed over after those that it needs.
 */
export class Lifecycle {
  /** Those that are to be started, and were. */
  readonly #parts = new Set<Part>();
  readonly #begun = new Set<Part>();
  #starting: Promise<unknown> | null = null;
  #stopped: Promise<void> | null = null;

  constructor(private readonly deps: { clock: Clock; log: Logger }) {}

  /**
   * Takes a part. One that comes after `stop` is stopped at once.
   *
   * @returns lets go of a part that has ended by itself, or is never to be: nothing more is done
   *   with it
   */
  own(part: Part): () => void {
    if (part.start !== undefined) this.#parts.add(part);
    else if (this.#stopped === null) this.#begun.add(part);
    else this.#stopped = this.#stopped.then(() => this.#stopPart(part));
    return () => {
      this.#parts.delete(part);
      this.#begun.delete(part);
    };
  }

  /**
   * Starts the parts in the order in which they came. A failed start stops nothing: `stop` does.
   *
   * @throws StartGivenUp when `stop` is called meanwhile; else what a part's start throws
   */
  async start(): Promise<void> {
    for (const part of this.#parts) {
      if (this.#stopped !== null) throw new StartGivenUp();
      this.#begun.add(part);
      this.#starting = Promise.resolve(part.start?.());
      await this.#starting;
    }
    if (this.#stopped !== null) throw new StartGivenUp();
  }

  /**
   * Stops all that has begun, the last first, each within its time. A part that fails to stop, or
   * is late, is logged and passed over. Never rejects; repeated calls wait for the same stop.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    // A stop in the middle of its start would leave behind what the start makes afterwards.
    if (this.#starting !== null) {
      await this.#inTime(
        this.#starting.catch(() => undefined),
        baseLimits.partStopMsMax,
      );
    }
    for (const part of [...this.#begun].toReversed()) {
      // One that was let go meanwhile has ended by itself.
      if (this.#begun.delete(part)) await this.#stopPart(part);
    }
    this.#parts.clear();
  }

  async #stopPart(part: Part): Promise<void> {
    const stopMsMax = part.stopMsMax ?? baseLimits.partStopMsMax;
    try {
      if (await this.#inTime(Promise.resolve(part.stop()), stopMsMax)) return;
      this.deps.log.error(`${part.name} did not stop in time`, { stopMsMax });
    } catch (error) {
      const { message } = error as Error;
      this.deps.log.error(`${part.name} could not be stopped`, { error: message });
    }
  }

  /** Whether it settles in time. Rejects as it does. */
  async #inTime(work: Promise<unknown>, msMax: number): Promise<boolean> {
    const { clock } = this.deps;
    let timer: Timer | undefined;
    const late = new Promise<false>((resolve) => {
      timer = clock.setTimer(msMax, () => resolve(false));
    });
    try {
      return await Promise.race([work.then(() => true), late]);
    } finally {
      timer?.cancel();
    }
  }
}
