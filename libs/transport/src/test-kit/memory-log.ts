import type { Clock } from '@sluice/base';
import type { ConsumedRecord, RecordToSend, SeekTarget, SentRecord } from '@sluice/streams';
import { laneOfKey } from '../runner/lane';

type Stored = Omit<ConsumedRecord, 'mayBeRepeated'>;

/** Topics that live as long as the process does. */
export class MemoryLog {
  readonly #topics = new Map<string, Stored[][]>();
  readonly #listeners = new Set<() => void>();
  #round = 0;

  constructor(
    private readonly clock: Clock,
    /** Of topics that come by being used. */
    private readonly partitionsOfNew: number,
  ) {}

  get topicNames(): string[] {
    return [...this.#topics.keys()];
  }

  /** Makes it, if there is none; a topic keeps the partitions that it has. */
  createTopic(topic: string, partitions = this.partitionsOfNew): void {
    if (this.#topics.has(topic)) return;
    this.#topics.set(
      topic,
      Array.from({ length: partitions }, () => []),
    );
    this.#tell();
  }

  partitionCount(topic: string): number {
    return this.#topics.get(topic)?.length ?? 0;
  }

  /** @throws RangeError when there is no such partition */
  append(record: RecordToSend): SentRecord {
    this.createTopic(record.topic);
    const partitions = this.#topics.get(record.topic)!;
    const key = bytesOf(record.key);
    const partition = record.partition ?? this.#partitionFor(key, partitions.length);
    const records = partitions[partition];
    if (records === undefined)
      throw new RangeError(`${record.topic} has no partition ${partition}`);
    const { topic, headers = [], timestampMs = this.clock.nowMs() } = record;
    const offset = records.length;
    const value = bytesOf(record.value);
    records.push({ topic, partition, offset, timestampMs, key, value, headers });
    this.#tell();
    return { topic, partition, offset, timestampMs };
  }

  endOf(topic: string, partition: number): number {
    return this.#topics.get(topic)?.[partition]?.length ?? 0;
  }

  read(topic: string, partition: number, offset: number): Stored | undefined {
    return this.#topics.get(topic)?.[partition]?.[offset];
  }

  /** All records of a topic, partition after partition. */
  recordsOf(topic: string): Stored[] {
    return (this.#topics.get(topic) ?? []).flat();
  }

  offsetAt(topic: string, partition: number, target: SeekTarget): number {
    const end = this.endOf(topic, partition);
    if (target === 'start') return 0;
    if (target === 'end') return end;
    if ('offset' in target) return Math.min(Math.max(0, target.offset), end);
    const records = this.#topics.get(topic)?.[partition] ?? [];
    const found = records.findIndex(({ timestampMs }) => timestampMs >= target.timestampMs);
    return found < 0 ? end : found;
  }

  /** Calls it after each change; returns how to take it back. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #partitionFor(key: Buffer | null, count: number): number {
    return key === null ? this.#round++ % count : laneOfKey(key, count);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function bytesOf(value: Buffer | string | null | undefined): Buffer | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? Buffer.from(value) : value;
}
