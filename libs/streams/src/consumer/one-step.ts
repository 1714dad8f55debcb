import type { Clock, Timer } from '@sluice/base';
import { reconnectDelayMs } from '@sluice/redis';

/** What is told of steps. */
export interface StepEvents {
  /** A step has ended, or may be tried again: the next may begin. */
  onFree: () => void;
  /** The first of some steps in a row that failed. */
  onFailure: (error: Error) => void;
}

/** Steps of which one is out at a time; after one that failed there is a pause. */
export class OneStep {
  private out: Promise<void> | null = null;
  private retry: Timer | null = null;
  private failures = 0;
  private isEnded = false;

  constructor(
    private readonly clock: Pick<Clock, 'setTimer'>,
    private readonly events: StepEvents,
  ) {}

  get isOut(): boolean {
    return this.out !== null;
  }

  get mayBegin(): boolean {
    return this.out === null && this.retry === null && !this.isEnded;
  }

  begin(run: () => Promise<void>): void {
    const failed = (error: unknown): void => this.ended(error as Error);
    this.out = run().then(() => this.ended(null), failed);
  }

  /** Resolves when the one that is out has ended. */
  async whenFree(): Promise<void> {
    await this.out;
  }

  end(): void {
    this.isEnded = true;
    this.retry?.cancel();
  }

  private ended(error: Error | null): void {
    this.out = null;
    if (this.isEnded) return;
    if (error === null) this.failures = 0;
    else {
      if (this.failures++ === 0) this.events.onFailure(error);
      this.retry = this.clock.setTimer(reconnectDelayMs(this.failures), () => {
        this.retry = null;
        this.events.onFree();
      });
    }
    this.events.onFree();
  }
}
