import type { PartitionName, PartitionSelector } from '../api';

/** What is paused, also of partitions that the consumer does not have (yet). */
export class PausedPartitions {
  /** Of a topic the partitions that are paused; or, where all are, those that are not. */
  readonly #topics = new Map<string, { all: boolean; except: Set<number> }>();

  add(selectors: readonly PartitionSelector[]): void {
    this.#set(selectors, true);
  }

  remove(selectors: readonly PartitionSelector[]): void {
    this.#set(selectors, false);
  }

  has({ topic, partition }: PartitionName): boolean {
    const one = this.#topics.get(topic);
    return one !== undefined && one.all !== one.except.has(partition);
  }

  #set(selectors: readonly PartitionSelector[], paused: boolean): void {
    for (const { topic, partitions } of selectors) {
      const one = this.#topics.get(topic) ?? { all: false, except: new Set<number>() };
      if (partitions === undefined) {
        this.#topics.set(topic, { all: paused, except: new Set() });
        continue;
      }
      for (const partition of partitions) {
        if (one.all === paused) one.except.delete(partition);
        else one.except.add(partition);
      }
      this.#topics.set(topic, one);
    }
  }
}
