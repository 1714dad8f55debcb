import { TroubleLog, type Clock, type Logger } from '@sluice/base';
import type { JobLimits } from './job-limits';
import type { JobRunner } from './job-runner';
import type { JobKind } from './kinds';

/** What frees memory. */
const freeing: readonly JobKind[] = ['deleted-topics', 'retention'];

/**
 * The way out of a Redis that is full. The queue takes no jobs then, for that needs memory, and so
 * the jobs that free memory would never be done. Each worker that is refused for that reason does
 * them itself, with scripts that a full Redis does not stop; that several do is no harm.
 */
export class FullRedis {
  readonly #trouble: TroubleLog;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #lastMs = -Infinity;

  constructor(
    private readonly deps: {
      runner: JobRunner;
      clock: Clock;
      log: Logger;
      limits: Pick<JobLimits, 'fullRunEveryMs'>;
    },
  ) {
    const { clock, log, limits } = deps;
    const message = 'Redis is full and takes no jobs; what frees memory is done without the queue';
    this.#trouble = new TroubleLog({ clock, log, message, quietMs: 3 * limits.fullRunEveryMs });
  }

  /** Redis has refused something because it is full. */
  note(): void {
    const { clock, limits } = this.deps;
    if (this.#stopping.signal.aborted) return;
    this.#trouble.note();
    const isSoon = clock.monotonicMs() - this.#lastMs < limits.fullRunEveryMs;
    if (this.#running !== null || isSoon) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      this.#lastMs = clock.monotonicMs();
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#trouble.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { runner, log } = this.deps;
    for (const kind of freeing) {
      try {
        await runner.direct(kind, this.#stopping.signal);
      } catch (error) {
        log.warn(`${kind} failed without the queue`, { error: (error as Error).message });
      }
    }
  }
}

/** Whether Redis has refused it because it is full. */
export function isFull(error: Error): boolean {
  const { reason } = error as { reason?: string };
  return reason === 'out-of-memory' || /\bOOM\b/.test(error.message);
}
