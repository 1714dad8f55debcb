import type { Clock } from '@sluice/base';
import type { CallEnd, HandlerCall } from './handler-call';

/** Calls of handlers that have not ended, by when they began. */
export class RunningCalls {
  /** In the order in which they began. */
  readonly #begunMs = new Map<HandlerCall, number>();

  constructor(private readonly clock: Clock) {}

  /** The same calls, each noted for as long as it runs. */
  noting(call: (call: HandlerCall) => Promise<CallEnd>): (call: HandlerCall) => Promise<CallEnd> {
    return async (one) => {
      this.#begunMs.set(one, this.clock.monotonicMs());
      try {
        return await call(one);
      } finally {
        this.#begunMs.delete(one);
      }
    };
  }

  /** Milliseconds since the oldest call began that runs for a partition; 0 for none. */
  oldestMs(topic: string, partition: number): number {
    for (const [{ attempt }, begunMs] of this.#begunMs) {
      const owned = attempt.partition;
      if (owned.topic !== topic || owned.partition !== partition) continue;
      if (!owned.lost.aborted) return this.clock.monotonicMs() - begunMs;
    }
    return 0;
  }
}
