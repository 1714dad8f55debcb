import { attempt, type RedisLink } from '@sluice/redis';
import { registryKeys } from './keys';

/** How many producer ids a process takes from Redis at once, as Kafka's brokers do. */
export const producerIdBlockSize = 1_000;

/**
 * Hands out producer ids that no other process, and no earlier run of this one, hands out. They
 * come in blocks; those left in a block when the process ends are never used.
 */
export class ProducerIds {
  private nextId = 0;
  private endId = 0;
  private refill: Promise<void> | null = null;

  constructor(private readonly redis: RedisLink) {}

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
    return this.nextId++;
  }

  private async takeBlock(): Promise<void> {
    const { producerIds } = registryKeys(this.redis.keyPrefix);
    const taken = this.redis.write.incrby(producerIds, producerIdBlockSize);
    this.endId = await attempt('log.producer-ids', taken);
    this.nextId = this.endId - producerIdBlockSize;
  }
}
