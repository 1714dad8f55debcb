import type { PartitionBounds, PartitionRef, PartitionStore, Topic } from '@sluice/log';
import { Periodic } from '@sluice/base';
import { limits } from '../limits';
import { noRates, type PartitionRates } from './partition-traffic';
import { noLeadership, Partition, type PartitionServices } from './partition';

/** The partitions that this gateway has lately served; made on first use, forgotten when idle. */
export class Partitions {
  private readonly byTopicId = new Map<string, Map<number, Partition>>();
  private readonly poll: Periodic;
  private readonly sweep: Periodic;

  constructor(private readonly services: PartitionServices) {
    const { clock, log } = services;
    this.poll = new Periodic({
      clock,
      log,
      name: 'asking for the ends of logs',
      everyMs: limits.wakePollMs,
      run: () => this.pollWaiting(),
      failureLevel: 'debug',
    });
    this.sweep = new Periodic({
      clock,
      log,
      name: 'clearing partitions that nobody uses',
      everyMs: limits.idleSweepMs,
      run: () => this.forgetIdle(),
    });
  }

  /** How many are in memory. */
  get count(): number {
    let count = 0;
    for (const partitions of this.byTopicId.values()) count += partitions.size;
    return count;
  }

  get store(): PartitionStore {
    return this.services.store;
  }

  /** Starts the slow poll for waiting fetches and the clearing of idle partitions. */
  start(): void {
    this.poll.start();
    this.sweep.start();
  }

  /** Ends all leaderships; what waits is told so. */
  async stop(): Promise<void> {
    await Promise.all([this.poll.stop(), this.sweep.stop()]);
    for (const partition of this.all()) partition.close();
    this.byTopicId.clear();
  }

  /** The partition, or undefined when the topic has no such index. */
  get(topic: Topic, index: number): Partition | undefined {
    const known = this.byTopicId.get(topic.id)?.get(index);
    if (known) return known;
    if (!(index >= 0 && index < topic.partitions)) return undefined;
    const ref = { topic: topic.name, topicId: topic.id, partition: index };
    const partition = new Partition(ref, noLeadership, this.services);
    let ofTopic = this.byTopicId.get(topic.id);
    if (!ofTopic) this.byTopicId.set(topic.id, (ofTopic = new Map()));
    ofTopic.set(index, partition);
    return partition;
  }

  /** What went in and out of a partition through this gateway lately. */
  ratesOf(topicId: string, index: number): PartitionRates {
    return this.byTopicId.get(topicId)?.get(index)?.rates ?? noRates;
  }

  /**
   * Forgets a deleted topic's partitions; fetches that wait on them look again and find it gone.
   */
  drop({ id, name }: Pick<Topic, 'id' | 'name'>): void {
    const partitions = this.byTopicId.get(id);
    this.byTopicId.delete(id);
    for (const partition of partitions?.values() ?? []) partition.drop();
    // Also where its partitions were idle, and are forgotten already.
    this.services.traffic.forget(name);
  }

  /**
   * After a reconnection to Redis: nothing cached about ends is trusted, nor what is hot if history
   * changed.
   */
  invalidate(historyChanged: boolean): void {
    for (const partition of this.all()) partition.invalidate(historyChanged);
  }

  private async pollWaiting(): Promise<void> {
    const refs: PartitionRef[] = [];
    const takers: ((bounds: PartitionBounds | null) => void)[] = [];
    for (const partition of this.all()) {
      const take = partition.expectBounds();
      if (take === null) continue;
      refs.push(partition.ref);
      takers.push(take);
    }
    if (refs.length === 0) return;
    const bounds = await this.store.boundsMany(refs);
    takers.forEach((take, i) => take(bounds[i] ?? null));
  }

  private forgetIdle(): void {
    for (const [topicId, partitions] of this.byTopicId) {
      for (const [index, partition] of partitions) {
        if (!partition.idle) continue;
        partition.close();
        partitions.delete(index);
      }
      if (partitions.size === 0) this.byTopicId.delete(topicId);
    }
  }

  private *all(): Iterable<Partition> {
    for (const partitions of this.byTopicId.values()) yield* partitions.values();
  }
}
