import { Periodic, type Clock, type Logger } from '@sluice/base';
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
  readonly #work: Periodic;
  #stopped = false;
  #unlisten: (() => void) | undefined;

  constructor(
    redis: RedisLink,
    private readonly deps: SweeperDeps,
  ) {
    const { clock, log } = deps;
    this.#limits = { ...catalogLimits, ...deps.limits };
    this.#registry = new TopicRegistry(redis, clock, this.#limits);
    this.#work = new Periodic({
      clock,
      log,
      name: 'the sweeping of deleted topics',
      everyMs: this.#limits.sweepIntervalMs,
      run: async () => void (await this.sweep()),
    });
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
    this.#unlisten?.();
    await this.#work.stop();
  }

  /** Sweeps soon; without effect when stopped. */
  wake(): void {
    this.#work.runSoon();
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
}
