import type { Clock } from '@sluice/base';
import { attempt, type RedisLink } from '@sluice/redis';
import { partitionKeys } from '../keys';
import { partitionLimits } from '../partition-limits';

/** The topic whose partitions are asked for. */
export interface EpochsOfTopic {
  name: string;
  id: string;
  partitions: number;
}

interface Entry {
  /** As many as it had when they were asked for. */
  partitions: number;
  askedAtMs: number;
  epochs: Promise<readonly number[]>;
}

/**
 * The leader epochs of all partitions that clients were told of. They change when leaders do, and
 * when Redis has come back with another history, and are read anew then.
 */
export class EpochTable {
  readonly #topics = new Map<string, Entry>();

  constructor(
    private readonly redis: RedisLink,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    redis.onReady(({ historyChanged }) => {
      if (historyChanged) this.forgetAll();
    });
  }

  /**
   * The epoch of each partition of a topic; empty while Redis cannot be asked, which clients take
   * for not known.
   *
   * @param ageMsMax how long ago they may have been asked for
   */
  of(topic: EpochsOfTopic, ageMsMax: number): Promise<readonly number[]> {
    const { id, partitions } = topic;
    const nowMs = this.clock.monotonicMs();
    const known = this.#topics.get(id);
    // A topic may have grown.
    const isFresh = known?.partitions === partitions && nowMs - known.askedAtMs <= ageMsMax;
    if (known !== undefined && isFresh) return known.epochs;
    if (this.#topics.size >= partitionLimits.epochTopicsMax) this.forgetAll();
    const epochs = this.#read(topic).catch(() => {
      if (this.#topics.get(id) === entry) this.forget(id);
      return [];
    });
    const entry = { partitions, askedAtMs: nowMs, epochs };
    this.#topics.set(id, entry);
    return epochs;
  }

  /** What is known of a topic may be wrong by now. */
  forget(topicId: string): void {
    this.#topics.delete(topicId);
  }

  /** The same of all topics. */
  forgetAll(): void {
    this.#topics.clear();
  }

  async #read({ name, id, partitions }: EpochsOfTopic): Promise<number[]> {
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
