import { Periodic, type Clock, type Logger } from '@sluice/base';
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
  clock: Clock;
  log: Logger;
}

/**
 * What has to be done for every partition now and then, whether or not anybody uses it: producers
 * that have not written for long are forgotten, and a partition that takes little keeps few offsets
 * free. A few partitions at a time, so that neither Redis nor this process notices.
 */
export class PartitionCare {
  readonly #work: Periodic;

  constructor(private readonly options: PartitionCareOptions) {
    const { clock, log } = options;
    this.#work = new Periodic({
      clock,
      log,
      name: 'the care of partitions',
      everyMs: partitionLimits.careEveryMs,
      run: (signal) => this.#run(signal),
    });
  }

  start(): void {
    this.#work.start(partitionLimits.careFirstMs);
  }

  stop(): Promise<void> {
    return this.#work.stop();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { store, topics, producerIdExpirationMs, log } = this.options;
    let forgotten = 0;
    for (const { name, id, partitions } of topics()) {
      for (let at = 0; at < partitions; at += partitionLimits.careAtOnceMax) {
        if (signal.aborted) return;
        const count = Math.min(partitionLimits.careAtOnceMax, partitions - at);
        const refs = Array.from({ length: count }, (_, i) => {
          return { topic: name, topicId: id, partition: at + i };
        });
        const work = refs.map(async (ref) => {
          await store.settle(ref);
          forgotten += await store.expireProducers(ref, producerIdExpirationMs);
        });
        await Promise.all(work);
      }
    }
    if (forgotten > 0) log.debug('producers were forgotten', { forgotten });
  }
}
