import type { PartitionStore, Topic } from '@sluice/log';
import type { Logger } from '@sluice/base';
import { limits } from '../limits';
import { Partition, type PartitionServices } from './partition';

/** The partitions that this gateway has lately served; made on first use, forgotten when idle. */
export class Partitions {
  private readonly byTopicId = new Map<string, Map<number, Partition>>();
  private stopTimers: (() => void) | null = null;

  constructor(
    private readonly services: PartitionServices,
    private readonly log: Logger,
  ) {}

  get store(): PartitionStore {
    return this.services.store;
  }

  /** Starts the slow poll for waiting fetches and the clearing of idle partitions. */
  start(): void {
    const { clock } = this.services;
    let running = true;
    let ticks = 0;
    const tick = async () => {
      await this.pollWaiting().catch((error: unknown) => {
        this.log.debug('bounds poll failed', { error: String(error) });
      });
      if (++ticks % 10 === 0) this.forgetIdle();
      if (running) timer = clock.setTimer(limits.wakePollMs, () => void tick());
    };
    let timer = clock.setTimer(limits.wakePollMs, () => void tick());
    this.stopTimers = () => {
      running = false;
      timer.cancel();
    };
  }

  stop(): void {
    this.stopTimers?.();
    for (const partition of this.all()) partition.close();
    this.byTopicId.clear();
  }

  /** The partition, or undefined when the topic has no such index. */
  get(topic: Topic, index: number): Partition | undefined {
    const known = this.byTopicId.get(topic.id)?.get(index);
    if (known) return known;
    if (!(index >= 0 && index < topic.partitions)) return undefined;
    const ref = { topic: topic.name, topicId: topic.id, partition: index };
    const partition = new Partition(ref, this.services);
    let ofTopic = this.byTopicId.get(topic.id);
    if (!ofTopic) this.byTopicId.set(topic.id, (ofTopic = new Map()));
    ofTopic.set(index, partition);
    return partition;
  }

  /**
   * Forgets a deleted topic's partitions; fetches that wait on them look again and find it gone.
   */
  drop(topicId: string): void {
    const partitions = this.byTopicId.get(topicId);
    this.byTopicId.delete(topicId);
    for (const partition of partitions?.values() ?? []) partition.drop();
  }

  /**
   * After a reconnection to Redis: nothing cached about ends is trusted, nor what is hot if history
   * changed.
   */
  invalidate(historyChanged: boolean): void {
    for (const partition of this.all()) partition.invalidate(historyChanged);
  }

  private async pollWaiting(): Promise<void> {
    const waiting = [...this.all()].filter((partition) => partition.hasWaiting);
    if (waiting.length === 0) return;
    const bounds = await this.store.boundsMany(waiting.map(({ ref }) => ref));
    waiting.forEach((partition, i) => partition.setBounds(bounds[i] ?? null));
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
