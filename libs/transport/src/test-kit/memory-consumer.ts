import type { Clock } from '@sluice/base';
import type {
  ConsumerHealth,
  ConsumerSettings,
  ConsumerStatus,
  PartitionName,
  PartitionSelector,
  RecordConsumer,
  RecordSink,
  SeekTarget,
} from '@sluice/streams';
import type { MemoryGroup, MemoryMember } from './memory-group';
import type { MemoryLog } from './memory-log';
import { MemoryPartition } from './memory-partition';

/** What a consumer in memory is made of. */
export interface MemoryConsumerOptions {
  clock: Clock;
  log: MemoryLog;
  group: MemoryGroup;
  memberId: string;
  settings: ConsumerSettings;
  sink: RecordSink;
}

const defaultDrainMs = 10_000;
const defaultInFlightRecordsMax = 500;

/** A member of a group in memory. */
export class MemoryConsumer implements RecordConsumer, MemoryMember {
  readonly #owned = new Map<string, MemoryPartition>();
  readonly #patterns: readonly RegExp[];
  readonly #onStatus = new Set<(status: ConsumerStatus) => void>();
  readonly #onAssigned = new Set<(partitions: readonly PartitionName[]) => void>();
  readonly #onRevoked = new Set<(partitions: readonly PartitionName[]) => void>();
  #status: ConsumerStatus = 'stopped';
  #closing: Promise<void> | null = null;
  #whenEmpty: (() => void) | null = null;

  constructor(private readonly options: MemoryConsumerOptions) {
    this.#patterns = options.settings.topics.map((topic) =>
      typeof topic === 'string'
        ? new RegExp(`^${topic.replaceAll('.', '\\.')}$`)
        : new RegExp(`^(?:${topic.source})$`, topic.flags.replaceAll(/[gy]/g, '')),
    );
  }

  start(): Promise<void> {
    this.#setStatus('running');
    this.options.group.join(this);
    return Promise.resolve();
  }

  close(drainMs = this.options.settings.drainMs ?? defaultDrainMs): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  pause(selectors: readonly PartitionSelector[]): void {
    for (const owned of this.#selected(selectors)) owned.setPaused(true);
  }

  resume(selectors: readonly PartitionSelector[]): void {
    for (const owned of this.#selected(selectors)) owned.setPaused(false);
  }

  seek(selector: PartitionSelector, target: SeekTarget): Promise<void> {
    const owned = this.#selected([selector]);
    if (owned.length === 0) return Promise.reject(new Error(`${selector.topic} is not owned here`));
    for (const one of owned) one.seek(target);
    return Promise.resolve();
  }

  health(): ConsumerHealth {
    const { memberId, settings } = this.options;
    return {
      status: this.#status,
      group: settings.group,
      memberId,
      problem: null,
      silentMs: 0,
      partitions: [...this.#owned.values()].map((owned) => owned.health()),
    };
  }

  onStatus(listener: (status: ConsumerStatus) => void): () => void {
    this.#onStatus.add(listener);
    return () => void this.#onStatus.delete(listener);
  }

  onAssigned(listener: (partitions: readonly PartitionName[]) => void): () => void {
    this.#onAssigned.add(listener);
    return () => void this.#onAssigned.delete(listener);
  }

  onRevoked(listener: (partitions: readonly PartitionName[]) => void): () => void {
    this.#onRevoked.add(listener);
    return () => void this.#onRevoked.delete(listener);
  }

  wants(topic: string): boolean {
    return this.#closing === null && this.#patterns.some((pattern) => pattern.test(topic));
  }

  grant(topic: string, partition: number): void {
    const { clock, group, log, memberId, settings, sink } = this.options;
    const name = `${topic}/${partition}`;
    const owned = new MemoryPartition({
      clock,
      log,
      sink,
      topic,
      partition,
      memberId,
      group: settings.group,
      progress: group.progressIn(topic, partition, settings.startFrom ?? 'start'),
      recordsMax: settings.inFlightRecordsMax ?? defaultInFlightRecordsMax,
      atMostOnce: settings.delivery === 'at-most-once',
      onFree: () => this.#freed(name, { topic, partition }),
    });
    this.#owned.set(name, owned);
    for (const listener of this.#onAssigned) listener([{ topic, partition }]);
    owned.pumpSoon();
  }

  revoke(topic: string, partition: number): void {
    this.#owned
      .get(`${topic}/${partition}`)
      ?.letGo(this.options.settings.drainMs ?? defaultDrainMs);
  }

  recordsCame(): void {
    for (const owned of this.#owned.values()) owned.pumpSoon();
  }

  /** As if its session were over while it was paused: everything it owns is another's. */
  expire(): void {
    for (const owned of this.#owned.values()) owned.lose();
  }

  async #close(drainMs: number): Promise<void> {
    // Whoever closes it finds it leaving, not yet gone.
    await Promise.resolve();
    this.#setStatus('draining');
    const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
    for (const owned of this.#owned.values()) owned.letGo(drainMs);
    if (this.#owned.size === 0) this.#whenEmpty?.();
    await empty;
    this.options.group.leave(this);
    this.#setStatus('stopped');
  }

  #freed(name: string, partition: PartitionName): void {
    this.#owned.delete(name);
    for (const listener of this.#onRevoked) listener([partition]);
    this.options.group.freed(partition.topic, partition.partition);
    if (this.#owned.size === 0) this.#whenEmpty?.();
  }

  #selected(selectors: readonly PartitionSelector[]): MemoryPartition[] {
    return [...this.#owned.values()].filter((owned) =>
      selectors.some(
        ({ topic, partitions }) =>
          topic === owned.topic && (partitions?.includes(owned.partition) ?? true),
      ),
    );
  }

  #setStatus(status: ConsumerStatus): void {
    this.#status = status;
    for (const listener of this.#onStatus) listener(status);
  }
}
