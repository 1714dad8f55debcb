import type { Clock, Logger } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { catalogLimits } from './catalog-limits';
import type { CatalogLimits } from './catalog-limits';
import { TopicRegistry, steps } from './topic-registry';
import { readSweepEntry } from './topic';

interface SweeperDeps {
  clock: Clock;
  log: Logger;
  /** Other limits, for tests. */
  limits?: Partial<CatalogLimits>;
}

/** What a sweep has unlinked. */
export interface TopicSweepReport {
  topics: number;
  partitions: number;
  keys: number;
}

/**
 * Unlinks what deleted topics, and topics that never appeared, have left behind. Any number of
 * processes may do so at once, and one that dies in the middle leaves its work to the next.
 */
export class DeletedTopicSweeper {
  readonly #registry: TopicRegistry;
  readonly #limits: CatalogLimits;

  constructor(
    redis: RedisLink,
    private readonly deps: SweeperDeps,
  ) {
    this.#limits = { ...catalogLimits, ...deps.limits };
    this.#registry = new TopicRegistry(redis, deps.clock, this.#limits);
  }

  /**
   * Sweeps everything that is due, step by step; no step begins once `signal` is aborted.
   *
   * @param onSwept told the id of each topic whose keys are gone, before the topic is forgotten
   * @throws RedisUnavailable | UnknownOutcome; what is left is swept next time
   */
  async sweep(
    signal?: AbortSignal,
    onSwept?: (topicId: string) => Promise<void>,
  ): Promise<TopicSweepReport> {
    const report = { topics: 0, partitions: 0, keys: 0 };
    for (;;) {
      if (signal?.aborted === true) return report;
      const entries = await this.#registry.claim();
      if (entries.length === 0) return report;
      for (const entry of entries) {
        if (await this.#unlinked(entry, report, signal)) {
          await onSwept?.(readSweepEntry(entry).topicId);
          await this.#registry.swept(entry);
          report.topics++;
        }
      }
    }
  }

  /** Whether all keys of a topic are gone. */
  async #unlinked(
    entry: string,
    report: TopicSweepReport,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { topic, topicId, prepared } = readSweepEntry(entry);
    for (const step of steps(0, prepared, this.#limits.partitionsPerStepMax)) {
      if (signal?.aborted === true) return false;
      const refs = step.map((partition) => ({ topic, topicId, partition }));
      report.keys += await this.#registry.unlink(refs);
      report.partitions += step.length;
    }
    this.deps.log.debug('deleted topic swept', { topic, topicId, partitions: prepared });
    return true;
  }
}
