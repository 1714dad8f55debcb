import { attempt, type RedisLink } from '@sluice/redis';
import { partitionKeys } from '../keys';
import { partitionLimits } from '../partition-limits';

/** The topic whose partitions are asked for. */
interface AskedTopic {
  name: string;
  id: string;
  partitions: number;
}

/**
 * The leader epochs of all partitions that clients were told of. They change when Redis has come
 * back with another history, and are read anew then.
 */
export class EpochTable {
  readonly #topics = new Map<string, Promise<readonly number[]>>();

  constructor(private readonly redis: RedisLink) {
    redis.onReady(({ historyChanged }) => {
      if (historyChanged) this.#topics.clear();
    });
  }

  /**
   * The epoch of each partition of a topic; empty while Redis cannot be asked, which clients take
   * for not known.
   */
  of(topic: AskedTopic): Promise<readonly number[]> {
    // A topic that has grown has another key, and the old one is of no use to anybody.
    const key = `${topic.id}/${topic.partitions}`;
    const known = this.#topics.get(key);
    if (known !== undefined) return known;
    if (this.#topics.size >= partitionLimits.epochTopicsMax) this.#topics.clear();
    const reading = this.#read(topic).catch(() => {
      this.#topics.delete(key);
      return [];
    });
    this.#topics.set(key, reading);
    return reading;
  }

  async #read({ name, id, partitions }: AskedTopic): Promise<number[]> {
    const epochs: number[] = [];
    const { recoverPartitionsMax } = partitionLimits;
    while (epochs.length < partitions) {
      const count = Math.min(recoverPartitionsMax, partitions - epochs.length);
      const asked = Array.from({ length: count }, (_, i) => {
        const ref = { topic: name, topicId: id, partition: epochs.length + i };
        const { meta } = partitionKeys(this.redis.keyPrefix, ref);
        return attempt('log.epochs', this.redis.read.hget(meta, 'epoch'));
      });
      epochs.push(...(await Promise.all(asked)).map((epoch) => Number(epoch ?? -1)));
    }
    return epochs;
  }
}
