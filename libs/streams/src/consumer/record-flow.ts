import type { DeliveryRefusal } from '@sluice/log';
import type { ConsumedRecord, OwnedPartition } from '../api';
import { Acknowledger } from './acknowledger';
import { HandOverTimes } from './hand-over-times';
import type { PartitionParts } from './partition-parts';
import { DamagedBatch, RecordLine } from './record-line';
import { SkippedRecords } from './skipped-records';
import { within } from './within';

/** Of whom records are handed over, and who is told. */
export interface FlowOwner {
  owned: OwnedPartition;
  /** Whether anything may be handed over now. */
  mayHandOver: () => boolean;
  /** The first offset that is not to be handed over yet. */
  endOffset: () => number;
  /** Redis knows of a new progress; so many bytes are no longer held. */
  onAcknowledged: (bytes: number) => void;
  onRefused: (refusal: DeliveryRefusal) => void;
  onDamaged: (error: DamagedBatch) => void;
  onSkipped: (error: SkippedRecords) => void;
}

/** What became before of records behind the first that is to be handed over. */
export interface DealtWith {
  /** Offsets that were dealt with. */
  done?: Set<number>;
  /** The progress that Redis has, which is further at most once. */
  acknowledged?: number;
}

/** Records of one partition from an offset on: to the sink, and their progress to Redis. */
export class RecordFlow {
  readonly line: RecordLine;
  readonly acknowledger: Acknowledger;
  readonly times = new HandOverTimes();
  private isHandingOver = false;
  /** Who waits for nothing to be in flight. */
  private onIdle: (() => void)[] = [];
  private hasEnded = false;

  constructor(
    private readonly parts: PartitionParts,
    private readonly owner: FlowOwner,
    offset: number,
    { done, acknowledged = offset }: DealtWith = {},
  ) {
    const { delivery, clock, limits } = parts;
    const { topic, partition } = parts.grant;
    const { decompressedBytesMax } = limits;
    const { endOffset } = owner;
    const terms = { topic, partition, decompressedBytesMax, endOffset };
    this.line = new RecordLine(terms, offset, done);
    const acknowledging = { delivery, clock, limits, ...owner };
    this.acknowledger = new Acknowledger(acknowledging, this.line.entries, acknowledged);
  }

  /** Hands over what there is, as far as records in flight have room. */
  handOver(): void {
    const { owner } = this;
    if (this.isHandingOver || !this.line.isWaiting || !owner.mayHandOver()) return;
    this.isHandingOver = true;
    do {
      const records = this.nextRecords();
      if (records.length === 0) break;
      if (this.parts.isAtMostOnce) return void this.acknowledgeFirst(records);
      this.give(records);
    } while (this.line.isWaiting && owner.mayHandOver());
    this.isHandingOver = false;
    this.progressed();
  }

  /** @returns whether nothing is in flight now */
  acknowledge(offset: number): boolean {
    const hasMoved = this.line.inFlight.acknowledge(offset);
    if (hasMoved && !this.parts.isAtMostOnce) this.progressed();
    return this.afterOutcome();
  }

  /** @returns whether nothing is in flight now */
  release(offset: number): boolean {
    return this.line.inFlight.release(offset) && this.afterOutcome();
  }

  /** There is nothing to be handed over in this range of offsets. */
  pass(fromOffset: number, toOffset: number): void {
    try {
      this.line.inFlight.pass(fromOffset, toOffset);
    } catch (error) {
      return this.failed(error);
    }
    this.progressed();
  }

  /** Resolves when nothing is in flight: true; or the time is over, or this has ended: false. */
  async idle(withinMs: number): Promise<boolean> {
    const { inFlight } = this.line;
    if (inFlight.outCount === 0) return true;
    if (this.hasEnded) return false;
    const idle = new Promise<void>((resolve) => this.onIdle.push(resolve));
    await within(this.parts.clock, withinMs, idle);
    return inFlight.outCount === 0;
  }

  /** At most once: what was acknowledged and has not begun is there for whoever comes next. */
  giveBack(): void {
    if (this.parts.isAtMostOnce) this.acknowledger.lower(this.line.untouchedFrom);
  }

  /** Sends and hands over nothing any more. @returns the bytes that it held */
  end(): number {
    this.hasEnded = true;
    this.acknowledger.end();
    const dropped = this.line.dropWaiting();
    this.tellIdle();
    return dropped + this.line.entries.heldBytes;
  }

  private afterOutcome(): boolean {
    const { outCount } = this.line.inFlight;
    if (outCount === 0) this.tellIdle();
    if (outCount <= this.parts.limits.inFlightRecordsMax / 2) this.handOver();
    return outCount === 0;
  }

  private tellIdle(): void {
    for (const tell of this.onIdle.splice(0)) tell();
  }

  /** At most once: Redis knows before anybody sees the records. */
  private async acknowledgeFirst(records: readonly ConsumedRecord[]): Promise<void> {
    const { acknowledger } = this;
    const end = records.at(-1)!.offset + 1;
    acknowledger.want(end);
    // Where the claim was not there any more, it is made first, and Redis is told then.
    while (!(await acknowledger.whenConfirmed(end)) && !acknowledger.hasEnded);
    this.isHandingOver = false;
    if (acknowledger.hasEnded) return;
    if (this.owner.mayHandOver()) {
      this.give(records);
      this.handOver();
    } else {
      for (const { offset } of records) this.owner.owned.release(offset);
    }
  }

  private give(records: readonly ConsumedRecord[]): void {
    const { progress } = this.line.inFlight;
    this.times.note(records[0]!.offset, this.parts.clock.monotonicMs(), progress);
    this.parts.sink.take(this.owner.owned, records);
  }

  private nextRecords(): readonly ConsumedRecord[] {
    try {
      const { inFlight } = this.line;
      return this.line.next(this.parts.limits.inFlightRecordsMax - inFlight.outCount);
    } catch (error) {
      this.failed(error);
      return [];
    }
  }

  private failed(error: unknown): void {
    if (error instanceof DamagedBatch) this.owner.onDamaged(error);
    else if (error instanceof SkippedRecords) this.owner.onSkipped(error);
    else throw error;
  }

  private progressed(): void {
    this.acknowledger.want(this.line.inFlight.progress);
  }
}
