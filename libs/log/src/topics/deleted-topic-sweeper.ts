import type { Clock, Logger, Timer } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type { TopicCatalog } from './catalog';
import { catalogLimits } from './catalog-limits';
import type { CatalogLimits } from './catalog-limits';
import { TopicRegistry, steps } from './topic-registry';
import { readSweepEntry } from './topic';

interface SweeperDeps {
  clock: Clock;
  log: Logger;
  /** Whose deletions start a sweep at once; without it, sweeps only begin at intervals. */
  catalog?: Pick<TopicCatalog, 'on'>;
  /** Other limits, for tests. */
  limits?: Partial<CatalogLimits>;
}

/**
 * Unlinks what deleted topics, and topics that never appeared, have left behind: at the start,
 * after each deletion, and at intervals. Any number of processes may do so at once, and one that
 * dies in the middle leaves its work to the next.
 */
export class DeletedTopicSweeper {
  readonly #registry: TopicRegistry;
  readonly #limits: CatalogLimits;
  #stopped = false;
  #wanted = false;
  #running: Promise<void> | null = null;
  #timer: Timer | null = null;
  #unlisten: (() => void) | undefined;

  constructor(
    redis: RedisLink,
    private readonly deps: SweeperDeps,
  ) {
    this.#limits = { ...catalogLimits, ...deps.limits };
    this.#registry = new TopicRegistry(redis, deps.clock, this.#limits);
  }

  /** Begins to sweep in the background. */
  start(): void {
    this.#unlisten = this.deps.catalog?.on('change', ({ deleted }) => {
      if (deleted) this.wake();
    });
    this.wake();
  }

  /** Ends after the step that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#unlisten?.();
    await this.#running;
  }

  /** Sweeps soon; without effect when stopped. */
  wake(): void {
    if (this.#stopped) return;
    this.#wanted = true;
    this.#running ??= this.#run();
  }

  /**
   * Sweeps everything that is due and returns the number of topics swept.
   *
   * @throws RedisUnavailable | UnknownOutcome; what is left is swept next time
   */
  async sweep(): Promise<number> {
    let count = 0;
    while (!this.#stopped) {
      const entries = await this.#registry.claim();
      if (entries.length === 0) break;
      for (const entry of entries) {
        if (await this.#sweepTopic(entry)) count++;
      }
    }
    return count;
  }

  async #sweepTopic(entry: string): Promise<boolean> {
    const { topic, topicId, prepared } = readSweepEntry(entry);
    for (const step of steps(0, prepared, this.#limits.partitionsPerStepMax)) {
      if (this.#stopped) return false;
      await this.#registry.unlink(step.map((partition) => ({ topic, topicId, partition })));
    }
    await this.#registry.swept(entry);
    this.deps.log.debug('deleted topic swept', { topic, topicId, partitions: prepared });
    return true;
  }

  async #run(): Promise<void> {
    this.#timer?.cancel();
    while (this.#wanted && !this.#stopped) {
      this.#wanted = false;
      try {
        await this.sweep();
      } catch (error) {
        const { message } = error as Error;
        this.deps.log.warn('deleted topics not swept, trying again', { error: message });
      }
    }
    this.#running = null;
    if (this.#stopped) return;
    this.#timer = this.deps.clock.setTimer(this.#limits.sweepIntervalMs, () => this.wake());
  }
}
