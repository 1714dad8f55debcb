import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryFile } from '../history/history-file';
import type { SeededRandom } from '../seeded-random';
import type { SetUp } from '../set-ups/set-up';
import type { FaultTarget } from './fault-kind';
import type { PlannedFault } from './schedule';

/** Lets planned faults happen. One whose targets all have another fault waits for its turn. */
export class FaultRunner {
  /** Those that have not had their turn, in order. */
  #waiting: PlannedFault[] = [];
  readonly #busy = new Set<string>();
  readonly #underWay = new Set<Promise<void>>();
  #isOver = false;

  /** @param signal ends waits early; what is broken is repaired all the same */
  constructor(
    private readonly setUp: SetUp,
    private readonly history: HistoryFile,
    private readonly random: SeededRandom,
    private readonly signal: AbortSignal,
  ) {}

  /** How many faults never had their turn. */
  get skipped(): number {
    return this.#waiting.length;
  }

  /** Runs a schedule; resolves when its time is over and everything is repaired. */
  async run(schedule: readonly PlannedFault[], seconds: number): Promise<void> {
    const startedMs = this.history.now();
    for (const planned of schedule) {
      await this.#wait(startedMs + planned.atMs - this.history.now());
      if (this.signal.aborted) break;
      this.#waiting.push(planned);
      this.#begin();
    }
    await this.#wait(startedMs + seconds * 1_000 - this.history.now());
    this.#isOver = true;
    await Promise.all(this.#underWay);
  }

  /** Lets those that wait happen, as far as they have a target that is free. */
  #begin(): void {
    if (this.#isOver || this.signal.aborted) return;
    this.#waiting = this.#waiting.filter((planned) => {
      const target = this.#freeTarget(planned);
      if (target === undefined) return true;
      for (const name of namesOf(target)) this.#busy.add(name);
      const done = this.#happen(planned, target).finally(() => {
        for (const name of namesOf(target)) this.#busy.delete(name);
        this.#underWay.delete(done);
        this.#begin();
      });
      this.#underWay.add(done);
      return false;
    });
  }

  #freeTarget({ fault, target }: PlannedFault): FaultTarget | undefined {
    const free = fault
      .targets(this.setUp)
      .filter((one) => !namesOf(one).some((name) => this.#busy.has(name)));
    return free[Math.floor(target * free.length)];
  }

  async #happen({ fault, forMs }: PlannedFault, target: FaultTarget): Promise<void> {
    const begunMs = this.history.now();
    const { setUp, random } = this;
    const wait = (waitMs: number) => this.#wait(waitMs);
    let failed: string | undefined;
    try {
      await target.run({ setUp, random, forMs, wait });
    } catch (error) {
      failed = (error as Error).message;
    }
    this.history.add({
      kind: 'fault',
      fault: fault.name,
      target: target.name,
      begunMs,
      endedMs: this.history.now(),
      mayLoseMs: fault.mayLoseMs,
      ...(failed === undefined ? {} : { failed }),
    });
  }

  async #wait(waitMs: number): Promise<void> {
    if (waitMs <= 0) return;
    await sleep(waitMs, undefined, { signal: this.signal }).catch(() => undefined);
  }
}

function namesOf({ name, uses = [] }: FaultTarget): string[] {
  return [name, ...uses];
}
