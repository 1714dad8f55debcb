import { silentMetrics, type CounterCell, type Metrics } from '@sluice/base';
import { attempt, type RedisLink } from '@sluice/redis';
import { registryKeys } from './keys';
import { logMetrics } from './metrics';
import type { LogHistory } from './recovery/log-history';

/** How many producer ids a process takes from Redis at once, as Kafka's brokers do. */
export const producerIdBlockSize = 1_000;

/**
 * Hands out producer ids that no other process, and no earlier run of this one, hands out. They
 * come in blocks; those left in a block when the process ends are never used.
 *
 * A Redis that comes back without its last writes may have forgotten a block. Two producers with
 * one id would be taken for one that repeats itself, and records of the second acknowledged and
 * dropped, so the counter is first brought to where this process knows that it was.
 */
export class ProducerIds {
  private nextId = 0;
  private endId = 0;
  private refill: Promise<void> | null = null;
  private readonly given: CounterCell;

  /** @param history makes good for what earlier processes gave out and Redis has lost */
  constructor(
    private readonly redis: RedisLink,
    private readonly history?: LogHistory,
    metrics: Metrics = silentMetrics,
  ) {
    this.given = metrics.counter(logMetrics.producerIds).with({});
    redis.onReady(({ historyChanged }) => {
      // What fails here is made good when the next block is taken.
      if (historyChanged && this.endId > 0) this.restoreCounter().catch(() => undefined);
    });
  }

  /**
   * A fresh producer id, 0 or more.
   *
   * @throws RedisUnavailable | UnknownOutcome when a new block was needed and did not come; the
   *   block is lost at worst, and calling again is safe
   */
  async next(): Promise<number> {
    while (this.nextId === this.endId) {
      this.refill ??= this.takeBlock().finally(() => (this.refill = null));
      await this.refill;
    }
    this.given.add(1);
    return this.nextId++;
  }

  private async takeBlock(): Promise<void> {
    await this.history?.opening;
    for (;;) {
      const endId = await this.raiseCounter(producerIdBlockSize);
      const firstId = endId - producerIdBlockSize;
      if (firstId >= this.endId) {
        this.endId = endId;
        this.nextId = firstId;
        return;
      }
      await this.raiseCounter(this.endId - endId);
    }
  }

  private async restoreCounter(): Promise<void> {
    const { producerIds } = registryKeys(this.redis.keyPrefix);
    const stored = await attempt('log.producer-ids', this.redis.write.get(producerIds));
    // Others may do the same at this moment: ids are left out then, and none is given out twice.
    const missing = this.endId - Number(stored ?? 0);
    if (missing > 0) await this.raiseCounter(missing);
  }

  private raiseCounter(count: number): Promise<number> {
    const { producerIds } = registryKeys(this.redis.keyPrefix);
    return attempt('log.producer-ids', this.redis.write.incrby(producerIds, count));
  }
}
