import type { Clock } from '@sluice/base';
import { retentionLimits } from '../limits';

/**
 * One step at a time, and between two steps Redis is left to others for several times as long as
 * the step has taken. A Redis that is busy answers later, and so gets longer pauses.
 */
export class Pace {
  #turn: Promise<void> = Promise.resolve();

  constructor(private readonly clock: Pick<Clock, 'monotonicMs' | 'setTimer'>) {}

  /** Runs a step when its turn has come; settles as it does, before the pause. */
  async run<T>(step: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    let end: (() => void) | undefined;
    this.#turn = new Promise((resolve) => (end = resolve));
    await before;
    const startMs = this.clock.monotonicMs();
    try {
      return await step();
    } finally {
      const { pausePerStep, pauseMsMin, pauseMsMax } = retentionLimits;
      const pauseMs = pausePerStep * (this.clock.monotonicMs() - startMs);
      this.clock.setTimer(Math.max(pauseMsMin, Math.min(pauseMsMax, pauseMs)), () => end?.());
    }
  }
}
