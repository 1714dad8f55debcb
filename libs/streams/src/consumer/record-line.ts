import type { ConsumedRecord } from '../api';
import { EntryQueue, type HeldEntry } from './entry-queue';
import { InFlight } from './in-flight';
import { openBatch } from './open-batch';
import { SkippedRecords } from './skipped-records';

/** What all records of a line have in common. */
export interface LineTerms {
  topic: string;
  partition: number;
  decompressedBytesMax: number;
  /** The first offset that is not to be handed over yet. */
  endOffset: () => number;
}

/** A batch cannot be read. */
export class DamagedBatch extends Error {
  override readonly name = 'DamagedBatch';

  constructor(
    readonly offset: number,
    cause: unknown,
  ) {
    super((cause as Error).message, { cause });
  }
}

const noRecords: readonly ConsumedRecord[] = [];

/**
 * The records of one partition on their way: in entries that were read, in the batch that is open,
 * in flight.
 */
export class RecordLine {
  readonly entries = new EntryQueue();
  readonly inFlight: InFlight;
  /** The batch that is being handed over, and how far it is. */
  private opened: readonly ConsumedRecord[] = noRecords;
  private openedAt = 0;
  private openedFrom = 0;
  private openedEnd = 0;

  /**
   * @param fromOffset the first that is to be dealt with
   * @param done offsets behind it that were dealt with before
   */
  constructor(
    private readonly terms: LineTerms,
    fromOffset: number,
    private readonly done = new Set<number>(),
  ) {
    this.inFlight = new InFlight(fromOffset);
  }

  /** Whether there is anything that was read and is not handed over. */
  get isWaiting(): boolean {
    return this.openedAt < this.opened.length || this.entries.hasNext;
  }

  /** From this offset on nothing has begun. */
  get untouchedFrom(): number {
    let from = this.inFlight.untouchedFrom;
    for (const offset of this.done) from = Math.max(from, offset + 1);
    return from;
  }

  add(entry: HeldEntry): void {
    this.entries.add(entry);
  }

  /**
   * The next records, which are in flight then; none where there are none.
   *
   * @throws DamagedBatch when there are none before one
   * @throws SkippedRecords likewise before an entry that does not follow on what was handed over
   */
  next(countMax: number): readonly ConsumedRecord[] {
    const records: ConsumedRecord[] = [];
    while (records.length < countMax && this.openNext(records.length > 0)) {
      while (this.openedAt < this.opened.length && records.length < countMax) {
        const record = this.opened[this.openedAt++]!;
        const { offset } = record;
        const done = this.done.size > 0 && this.done.delete(offset);
        if (offset > this.inFlight.nextOffset) this.inFlight.pass(this.openedFrom, offset);
        this.inFlight.add(offset, { done });
        if (!done) records.push(record);
      }
      if (this.openedAt === this.opened.length) this.passOpened();
    }
    return records;
  }

  /** Forgets what is not handed over. @returns the bytes of its entries */
  dropWaiting(): number {
    this.opened = noRecords;
    this.openedAt = 0;
    return this.entries.dropWaiting();
  }

  /** Sees to it that a batch is open, if there is one. */
  private openNext(isQuiet: boolean): boolean {
    while (this.openedAt === this.opened.length) {
      if (!this.entries.hasNext) return false;
      const entry = this.entries.peek();
      if (entry.lastOffset >= this.terms.endOffset()) return false;
      const { nextOffset: fromOffset } = this.inFlight;
      if (entry.follows > fromOffset) {
        if (isQuiet) return false;
        throw new SkippedRecords(fromOffset, entry.follows);
      }
      try {
        this.opened = openBatch(entry, { ...this.terms, fromOffset });
      } catch (error) {
        if (isQuiet) return false;
        throw new DamagedBatch(entry.baseOffset, error);
      }
      this.entries.advance();
      this.openedAt = 0;
      this.openedFrom = entry.follows;
      this.openedEnd = entry.lastOffset + 1;
      if (this.opened.length === 0) this.passOpened();
    }
    return true;
  }

  private passOpened(): void {
    this.inFlight.pass(this.openedFrom, this.openedEnd);
  }
}
