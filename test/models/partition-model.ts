import { LeaderEpochs, type AppendResult, type PartitionBounds, type TrimRule } from '@sluice/log';

/** A batch as the model sees it: what matters of it, without its bytes. */
export interface ModelBatch {
  bytes: number;
  /** One for each record; -1 for none. */
  timestampsMs: number[];
  /** -1: not idempotent. */
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
}

/** A batch in the model's log. */
export interface ModelEntry {
  baseOffset: number;
  lastOffset: number;
  bytes: number;
  timestampsMs: number[];
}

/** A stretch of sequences that one batch took, counted without wrapping. */
interface Stretch {
  from: number;
  to: number;
  baseOffset: number;
  lastOffset: number;
}

interface Producer {
  epoch: number;
  /** Every batch of this epoch that the partition remembers having taken, oldest first. */
  stretches: Stretch[];
  aged: boolean;
}

interface Position {
  offset: number;
  timestampMs: number;
}

const sequences = 2 ** 31;
const rememberedBatches = 5;

/**
 * A partition in memory, written to be read: the rules of Kafka's log, with none of the tricks that
 * make them fast. The Lua scripts have to agree with it step by step.
 */
export class PartitionModel {
  entries: ModelEntry[] = [];
  logStartOffset = 0;
  logEndOffset = 0;
  private largestTimestampMs = -1;
  private largestBatchBytes = 0;
  private readonly producers = new Map<number, Producer>();
  /** Up to where the log reached at some moment; see `trim`. */
  private seen = { logEndOffset: 0, atMs: 0 };

  append(batches: readonly ModelBatch[]): AppendResult[] {
    return batches.map((batch) => this.appendOne(batch));
  }

  bounds(): PartitionBounds {
    return {
      logStartOffset: this.logStartOffset,
      logEndOffset: this.logEndOffset,
      highWatermark: this.logEndOffset,
      lastStableOffset: this.logEndOffset,
      bytes: this.entries.reduce((sum, entry) => sum + entry.bytes, 0),
      batches: this.entries.length,
      largestBatchBytes: this.largestBatchBytes,
      maxTimestampMs: this.largestTimestampMs,
      leaderEpoch: 0,
      leaderEpochs: LeaderEpochs.first,
    };
  }

  read(fromOffset: number, entriesMax: number): ModelEntry[] {
    if (fromOffset < this.logStartOffset) return [];
    return this.entries.filter((entry) => entry.lastOffset >= fromOffset).slice(0, entriesMax);
  }

  firstAtOrAfter(timestampMs: number): Position | null {
    return this.positions().find((position) => position.timestampMs >= timestampMs) ?? null;
  }

  maxTimestamp(): Position | null {
    let largest: Position | null = null;
    for (const position of this.positions()) {
      if (largest === null || position.timestampMs > largest.timestampMs) largest = position;
    }
    return largest;
  }

  deleteRecords(beforeOffset: number): 'out-of-range' | number {
    const before = beforeOffset === -1 ? this.logEndOffset : beforeOffset;
    if (before < 0 || before > this.logEndOffset) return 'out-of-range';
    this.logStartOffset = Math.max(this.logStartOffset, before);
    if (this.dropHead(() => false)) this.forgetProducersBelowStart();
    return this.logStartOffset;
  }

  /**
   * Drops what is too old at the time of the rule, or too much. What has no time is as old as the
   * moment at which it was first seen to be there.
   *
   * @param seenAtMs the time that is remembered as such a moment
   */
  trim({ retentionMs, retentionBytes, nowMs }: TrimRule, seenAtMs = nowMs): void {
    const isOld = (entry: ModelEntry): boolean =>
      retentionMs >= 0 && this.timeOf(entry) < nowMs - retentionMs;
    const isTooMuch = (entry: ModelEntry): boolean =>
      retentionBytes >= 0 && this.bounds().bytes - entry.bytes >= retentionBytes;
    this.dropHead((entry) => isOld(entry) || isTooMuch(entry));
    const head = this.entries[0];
    if (head === undefined || this.timeOf(head) < Infinity) return;
    this.seen = { logEndOffset: this.logEndOffset, atMs: seenAtMs };
  }

  /** Two days pass without a word from any producer. */
  ageProducers(): void {
    for (const producer of this.producers.values()) producer.aged = true;
  }

  /** Forgets those that have not written since `ageProducers`. */
  expireProducers(): number {
    const aged = [...this.producers].filter(([, producer]) => producer.aged);
    for (const [id] of aged) this.producers.delete(id);
    return aged.length;
  }

  knownProducers(): number[] {
    return [...this.producers.keys()].sort((a, b) => a - b);
  }

  private appendOne(batch: ModelBatch): AppendResult {
    const refusal = batch.producerId < 0 ? null : this.judge(batch);
    if (refusal !== null) return refusal;
    const baseOffset = this.logEndOffset;
    const lastOffset = baseOffset + batch.timestampsMs.length - 1;
    this.logEndOffset = lastOffset + 1;
    this.largestTimestampMs = Math.max(this.largestTimestampMs, ...batch.timestampsMs);
    this.largestBatchBytes = Math.max(this.largestBatchBytes, batch.bytes);
    const { bytes, timestampsMs } = batch;
    this.entries.push({ baseOffset, lastOffset, bytes, timestampsMs });
    if (batch.producerId >= 0) this.remember(batch, baseOffset, lastOffset);
    return { kind: 'appended', baseOffset };
  }

  private judge(batch: ModelBatch): AppendResult | null {
    const producer = this.producers.get(batch.producerId);
    if (producer === undefined) {
      return batch.baseSequence < 0 ? { kind: 'out-of-order', expected: 0 } : null;
    }
    if (batch.producerEpoch < producer.epoch) return { kind: 'fenced-producer' };
    if (batch.producerEpoch > producer.epoch) {
      return batch.baseSequence === 0 ? null : { kind: 'out-of-order', expected: 0 };
    }
    const next = producer.stretches.at(-1)!.to + 1;
    const outOfOrder: AppendResult = { kind: 'out-of-order', expected: next % sequences };
    if (batch.baseSequence < 0) return outOfOrder;
    const from = positionAtOrBefore(next, batch.baseSequence);
    if (from === next) return null;
    const to = from + batch.timestampsMs.length - 1;
    const window = producer.stretches.slice(-rememberedBatches);
    const same = window.find((stretch) => stretch.from === from && stretch.to === to);
    if (same !== undefined) {
      const { baseOffset } = same;
      const entry = this.entries.find((one) => one.baseOffset === baseOffset);
      const maxTimestampMs = entry ? Math.max(...entry.timestampsMs) : -1;
      return { kind: 'duplicate', baseOffset, maxTimestampMs };
    }
    const written = from >= producer.stretches[0]!.from && to < window[0]!.from;
    return written ? { kind: 'duplicate-unknown' } : outOfOrder;
  }

  private remember(batch: ModelBatch, baseOffset: number, lastOffset: number): void {
    const { producerId, producerEpoch, baseSequence } = batch;
    let producer = this.producers.get(producerId);
    if (producer === undefined || producer.epoch < producerEpoch) {
      producer = { epoch: producerEpoch, stretches: [], aged: false };
      this.producers.set(producerId, producer);
    }
    const from = (producer.stretches.at(-1)?.to ?? baseSequence - 1) + 1;
    const to = from + batch.timestampsMs.length - 1;
    producer.stretches.push({ from, to, baseOffset, lastOffset });
    producer.aged = false;
  }

  /**
   * Drops batches from the head: those below the log start, and then for as long as `isDue` says
   * so. Tells whether there were any.
   */
  private dropHead(isDue: (entry: ModelEntry) => boolean): boolean {
    let dropped = false;
    for (let head = this.entries[0]; head !== undefined; head = this.entries[0]) {
      if (head.lastOffset >= this.logStartOffset && !isDue(head)) break;
      this.entries.shift();
      dropped = true;
    }
    if (!dropped) return false;
    const firstKept = this.entries[0]?.baseOffset ?? this.logEndOffset;
    this.logStartOffset = Math.max(this.logStartOffset, firstKept);
    return true;
  }

  private forgetProducersBelowStart(): void {
    for (const [id, { stretches, aged }] of this.producers) {
      if (aged && stretches.at(-1)!.lastOffset < this.logStartOffset) this.producers.delete(id);
    }
  }

  private timeOf({ timestampsMs, lastOffset }: ModelEntry): number {
    const own = Math.max(...timestampsMs);
    if (own >= 0) return own;
    return lastOffset < this.seen.logEndOffset ? this.seen.atMs : Infinity;
  }

  private positions(): Position[] {
    return this.entries
      .flatMap(({ baseOffset, timestampsMs }) =>
        timestampsMs.map((timestampMs, index) => ({ offset: baseOffset + index, timestampMs })),
      )
      .filter(({ offset }) => offset >= this.logStartOffset);
  }
}

/** The last place, counted without wrapping, at or before `position` that bears the sequence. */
function positionAtOrBefore(position: number, sequence: number): number {
  const behind = (((position - sequence) % sequences) + sequences) % sequences;
  return position - behind;
}
