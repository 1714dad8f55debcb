import type { Logger } from '@sluice/base';
import { UnknownOutcome } from '@sluice/redis';
import type { Topic } from '../topics/topic';
import type { PartitionStore } from '../partition-store';
import { partitionLimits } from '../partition-limits';

/** What the care of partitions works with. */
export interface PartitionCareOptions {
  store: Pick<PartitionStore, 'expireProducers' | 'settle'>;
  /** All topics that there are. */
  topics: () => readonly Topic[];
  /** Kafka's `producer.id.expiration.ms`. */
  producerIdExpirationMs: number;
  log: Logger;
}

/** What a round has looked after. */
export interface CareReport {
  partitions: number;
  /** Producers that were forgotten. */
  producers: number;
}

/** Partitions that could not be looked after, for what is stored there. */
interface Damage {
  partitions: number;
  first: string;
}

/**
 * What has to be done for every partition now and then, whether or not anybody uses it: producers
 * that have not written for long are forgotten, and a partition that takes little keeps few offsets
 * free. A few partitions at a time, so that neither Redis nor this process notices.
 */
export class PartitionCare {
  constructor(private readonly options: PartitionCareOptions) {}

  /**
   * Looks after all partitions once; no step begins once `signal` is aborted.
   *
   * @throws RedisUnavailable | UnknownOutcome; the next round begins anew. Error, when there are
   *   partitions that could not be looked after, once all others were
   */
  async run(signal: AbortSignal): Promise<CareReport> {
    const report = { partitions: 0, producers: 0 };
    const damage: Damage = { partitions: 0, first: '' };
    for (const topic of this.options.topics()) {
      for (let at = 0; at < topic.partitions; at += partitionLimits.careAtOnceMax) {
        if (signal.aborted) return report;
        await this.#care(topic, at, report, damage);
      }
    }
    if (damage.partitions === 0) return report;
    const { partitions, first } = damage;
    this.options.log.error('partitions could not be looked after', { partitions, first });
    throw new Error(`${partitions} partitions were not looked after, first ${first}`);
  }

  async #care(
    { name, id, partitions }: Topic,
    from: number,
    report: CareReport,
    damage: Damage,
  ): Promise<void> {
    const { store, producerIdExpirationMs } = this.options;
    const count = Math.min(partitionLimits.careAtOnceMax, partitions - from);
    const work = Array.from({ length: count }, async (_, at) => {
      const ref = { topic: name, topicId: id, partition: from + at };
      try {
        await store.settle(ref);
        const producers = await store.expireProducers(ref, producerIdExpirationMs);
        report.producers += producers;
        report.partitions++;
      } catch (error) {
        // A script has failed on what is stored there; the other partitions are not to suffer.
        if (!(error instanceof UnknownOutcome && error.isAnswered)) throw error;
        damage.partitions++;
        damage.first ||= `${name}/${ref.partition}: ${error.message}`;
      }
    });
    await Promise.all(work);
  }
}
