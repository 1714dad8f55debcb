import {
  recordRulesOf,
  recordsErrorCode,
  resolveConfigs,
  type PartitionRef,
  type PartitionWriter,
  type Topic,
} from '@sluice/log';
import { faultOf, partitionForKey } from '@sluice/records';
import { ErrorCode } from '@sluice/wire';
import { PartitionLine, type LineServices } from './partition-line';
import type { PendingRecord } from './pending-record';
import type { ProducedNumbers } from './producer-metrics';
import { codeNamed } from './send-error';

/** What the lines of a topic work with. */
export interface TopicLinesOptions {
  services: LineServices;
  numbers: ProducedNumbers;
  writerOf: (ref: PartitionRef) => Pick<PartitionWriter, 'append'>;
  /** Where records without a key begin; any whole number. */
  firstSticky: number;
}

/** A producer's lines to the partitions of one incarnation of a topic. */
export class TopicLines {
  readonly #lines = new Map<number, PartitionLine>();
  /** Where records without a key go now. */
  #sticky: number;

  constructor(
    private topic: Topic,
    private readonly options: TopicLinesOptions,
  ) {
    this.#sticky = options.firstSticky % topic.partitions;
  }

  /** Takes a record, or fails it where the topic does not take it. */
  add(record: PendingRecord): void {
    const { topic } = this;
    const config = resolveConfigs(topic);
    const { nowMs } = this.options.services.clock;
    const { key, timestampMs } = record;
    const fault = faultOf({ hasKey: key !== null, timestampMs }, recordRulesOf(config, nowMs()));
    if (fault !== null) return record.fail(codeNamed(recordsErrorCode(fault)), fault.message);
    const partition = this.#partitionOf(record);
    if (partition >= topic.partitions) {
      const code = codeNamed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      return record.fail(code, `the topic has ${topic.partitions} partitions`);
    }
    record.partition = partition;
    this.#line(partition).add(record);
  }

  /** The topic has got partitions, or other configs. */
  follow(topic: Topic): void {
    this.topic = topic;
  }

  /** The topic was deleted. */
  gone(): void {
    for (const line of this.#lines.values()) line.gone();
  }

  /** No record is on its way. */
  get isIdle(): boolean {
    return [...this.#lines.values()].every((line) => line.isIdle);
  }

  lines(): Iterable<PartitionLine> {
    return this.#lines.values();
  }

  /** The partition asked for, else by the key as all Kafka clients do it, else the sticky one. */
  #partitionOf({ askedPartition, key }: PendingRecord): number {
    if (askedPartition >= 0) return askedPartition;
    return key === null ? this.#sticky : partitionForKey(key, this.topic.partitions);
  }

  #line(partition: number): PartitionLine {
    let line = this.#lines.get(partition);
    if (line === undefined) this.#lines.set(partition, (line = this.#newLine(partition)));
    return line;
  }

  #newLine(partition: number): PartitionLine {
    const { services, numbers, writerOf } = this.options;
    const ref = { topic: this.topic.name, topicId: this.topic.id, partition };
    return new PartitionLine({
      ref,
      services,
      numbers,
      writer: writerOf(ref),
      config: () => resolveConfigs(this.topic),
      onBatch: (of) => this.#batchWasMade(of),
    });
  }

  /** Records without a key stay together for a batch, and then move on (KIP-480). */
  #batchWasMade(partition: number): void {
    if (partition === this.#sticky) this.#sticky = (partition + 1) % this.topic.partitions;
  }
}
