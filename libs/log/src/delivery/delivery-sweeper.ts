import { attempt, RedisReplyError, type RedisLink } from '@sluice/redis';
import { partitionKeys } from '../keys';
import { partitionLimits } from '../partition-limits';
import type { Topic } from '../topics/topic';
import { forgetScript } from './delivery-scripts';

/** What the sweep works with. */
export interface DeliverySweeperOptions {
  redis: Pick<RedisLink, 'write' | 'keyPrefix'>;
  /** All topics that there are. */
  topics: () => readonly Topic[];
  /** Whether there is a group with this id, or there may be. */
  isGroupKnown: (group: string) => Promise<boolean>;
}

const fieldStart = 'g/';

/**
 * Removes what partitions keep of groups that are gone: how far they had come, and the consumer
 * group of the stream with what is pending. A few partitions at a time. A group that begins anew
 * meanwhile keeps what it has: it is removed only as it was seen before the group was missed.
 */
export class DeliverySweeper {
  constructor(private readonly options: DeliverySweeperOptions) {}

  /**
   * Looks at all partitions once; no step begins once `signal` is aborted.
   *
   * @returns how many groups of partitions were removed
   * @throws RedisUnavailable | UnknownOutcome; the next round begins anew
   */
  async run(signal: AbortSignal): Promise<number> {
    let removed = 0;
    /** Of this round, so that a group of many partitions is asked for once. */
    const known = new Map<string, boolean>();
    for (const { name: topic, id: topicId, partitions } of this.options.topics()) {
      for (let from = 0; from < partitions; from += partitionLimits.careAtOnceMax) {
        if (signal.aborted) return removed;
        const count = Math.min(partitionLimits.careAtOnceMax, partitions - from);
        const refs = Array.from({ length: count }, (_, at) => {
          return { topic, topicId, partition: from + at };
        });
        const swept = await Promise.all(
          refs.map(async (ref) => {
            try {
              return await this.#sweep(partitionKeys(this.options.redis.keyPrefix, ref), known);
            } catch (error) {
              // By another's hand it may be no hash: the other partitions are not to suffer.
              if (error instanceof RedisReplyError) return 0;
              throw error;
            }
          }),
        );
        removed += swept.reduce((sum, one) => sum + one, 0);
      }
    }
    return removed;
  }

  async #sweep(
    keys: { log: string; delivery: string },
    known: Map<string, boolean>,
  ): Promise<number> {
    const { redis, isGroupKnown } = this.options;
    let removed = 0;
    let cursor = '0';
    do {
      const scan = redis.write.hscan(keys.delivery, cursor, 'COUNT', partitionLimits.careAtOnceMax);
      const [next, pairs] = await attempt('log.deliveries', scan);
      for (let at = 0; at < pairs.length; at += 2) {
        const [field, seen] = [pairs[at]!, pairs[at + 1]!];
        if (!field.startsWith(fieldStart)) continue;
        const group = field.slice(fieldStart.length);
        const isKnown = known.get(group) ?? (await isGroupKnown(group));
        // One that is missing now may be there for the next partition.
        if (isKnown) known.set(group, true);
        else if (await this.#forget(keys, group, seen)) removed++;
      }
      cursor = next;
    } while (cursor !== '0');
    return removed;
  }

  async #forget(
    keys: { log: string; delivery: string },
    group: string,
    seen: string,
  ): Promise<boolean> {
    const reply = await forgetScript.call(this.options.redis.write, keys, { group, seen });
    return reply.tag === 'forgotten';
  }
}
