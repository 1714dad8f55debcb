import { SkippedRecords } from './skipped-records';

const isOut = 1;
const isDone = 2;
const isReleased = 3;

const capacityMin = 64;

/**
 * Records of one partition that were handed over, in the order of their offsets, and what has
 * become of each. They are dealt with in any order; the progress is the first offset that is not. A
 * record costs a few bytes in two arrays, and no object.
 */
export class InFlight {
  private offsets = new Float64Array(capacityMin);
  private states = new Uint8Array(capacityMin);
  private head = 0;
  private count = 0;
  private out = 0;
  private released = 0;

  /** @param end the first offset that may be added */
  constructor(private end: number) {}

  /** The first offset that is not dealt with. */
  get progress(): number {
    return this.count === 0 ? this.end : this.offsets[this.head]!;
  }

  /** The first offset that may be added. */
  get nextOffset(): number {
    return this.end;
  }

  /** Records that are handed over and neither dealt with nor given back. */
  get outCount(): number {
    return this.out;
  }

  get hasReleased(): boolean {
    return this.released > 0;
  }

  /**
   * A record is handed over; one that is known to be dealt with is only counted.
   *
   * @throws SkippedRecords where it does not follow on what was added or passed over
   */
  add(offset: number, { done = false } = {}): void {
    if (offset !== this.end) throw new SkippedRecords(this.end, offset);
    if (this.count === this.offsets.length) this.grow();
    const at = (this.head + this.count++) & (this.offsets.length - 1);
    this.offsets[at] = offset;
    this.states[at] = done ? isDone : isOut;
    this.end = offset + 1;
    if (done) this.shift();
    else this.out++;
  }

  /**
   * There is nothing to deal with in a range of offsets but what was added.
   *
   * @throws SkippedRecords where it does not follow on what was added or passed over
   */
  pass(fromOffset: number, toOffset: number): void {
    if (fromOffset > this.end) throw new SkippedRecords(this.end, fromOffset);
    if (toOffset > this.end) this.end = toOffset;
  }

  /** A record was dealt with. @returns whether the progress has moved */
  acknowledge(offset: number): boolean {
    const at = this.find(offset);
    if (at < 0 || this.states[at] !== isOut) return false;
    this.states[at] = isDone;
    this.out--;
    if (at !== this.head) return false;
    this.shift();
    return true;
  }

  /** A record will not be dealt with. @returns whether it was in flight */
  release(offset: number): boolean {
    const at = this.find(offset);
    if (at < 0 || this.states[at] !== isOut) return false;
    this.states[at] = isReleased;
    this.out--;
    this.released++;
    return true;
  }

  /** From this offset on there are only records that were given back. */
  get untouchedFrom(): number {
    let from = this.end;
    for (let index = this.count - 1; index >= 0; index--) {
      const at = (this.head + index) & (this.offsets.length - 1);
      if (this.states[at] !== isReleased) break;
      from = this.offsets[at]!;
    }
    return from;
  }

  /** Offsets from the progress on that were dealt with. */
  doneOffsets(): Set<number> {
    const done = new Set<number>();
    for (let index = 0; index < this.count; index++) {
      const at = (this.head + index) & (this.offsets.length - 1);
      if (this.states[at] === isDone) done.add(this.offsets[at]!);
    }
    return done;
  }

  private shift(): void {
    const mask = this.offsets.length - 1;
    while (this.count > 0 && this.states[this.head] === isDone) {
      this.head = (this.head + 1) & mask;
      this.count--;
    }
  }

  /** Where a record stands, -1 for none. Offsets are dense but for what was passed over. */
  private find(offset: number): number {
    const mask = this.offsets.length - 1;
    const guess = offset - this.offsets[this.head]!;
    if (guess >= 0 && guess < this.count) {
      const at = (this.head + guess) & mask;
      if (this.offsets[at] === offset) return at;
    }
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const at = (this.head + middle) & mask;
      const found = this.offsets[at]!;
      if (found === offset) return at;
      if (found < offset) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  private grow(): void {
    const { offsets, states, head, count } = this;
    const mask = offsets.length - 1;
    this.offsets = new Float64Array(offsets.length * 2);
    this.states = new Uint8Array(offsets.length * 2);
    for (let index = 0; index < count; index++) {
      this.offsets[index] = offsets[(head + index) & mask]!;
      this.states[index] = states[(head + index) & mask]!;
    }
    this.head = 0;
  }
}
