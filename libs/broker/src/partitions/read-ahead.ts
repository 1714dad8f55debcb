import { limits } from '../limits';
import type { MemoryBudget } from '@sluice/base';
import { type ColdRun, emptyRun } from './cold-run';

/** Says whether a run that is being read may come to so many bytes. */
export type Reserve = (bytes: number) => boolean;

interface Slot {
  offset: number;
  run: Promise<ColdRun | null>;
  /** Of the budget: while it is read what it may come to, then what it has. */
  bytes: number;
  /** Whoever took it owns it, and its bytes are no longer counted here. */
  state: 'ours' | 'taken' | 'dropped';
  /** Once it is read. */
  settled: ColdRun | null;
}

/** What is to be read ahead. */
export interface Wanted {
  /** So many runs, one after the other. */
  depth: number;
  /** Nothing at or after this offset. */
  endOffset: number;
  /** Adds to a run what follows it; asks before each of its calls to Redis for the room. */
  read: (run: ColdRun, reserve: Reserve) => Promise<ColdRun>;
}

/**
 * What sequential readers of one partition will want next, asked of Redis while they are still busy
 * with what they have. A slot serves once: what is not hot is not worth keeping. What slots have in
 * memory, and what may be on its way to them, is within the budget.
 */
export class ReadAhead {
  private slots: Slot[] = [];

  constructor(private readonly budget: MemoryBudget) {}

  /** The run that begins at this offset, if it was asked for; whoever takes it owns it. */
  take(offset: number): Promise<ColdRun | null> | null {
    const slot = this.slots.find((one) => one.offset === offset);
    if (!slot) return null;
    this.slots.splice(this.slots.indexOf(slot), 1);
    slot.state = 'taken';
    this.budget.release(slot.bytes);
    slot.bytes = 0;
    return slot.run;
  }

  /**
   * Sees to it that the next runs from this offset on are being read, as far as there is room.
   * Errors are left to the reader's own try.
   *
   * @param start what there is already of the first; it is owned from here on
   */
  extend(offset: number, start: ColdRun | null, wanted: Wanted): void {
    const known = this.slots.find((one) => one.offset === offset);
    if (known || offset >= wanted.endOffset) start?.release();
    if (offset >= wanted.endOffset) return;
    const slot = known ?? this.begin(offset, start ?? emptyRun(offset), wanted);
    if (slot && wanted.depth > 1) void this.extendBeyond(slot, wanted);
  }

  /** Forgets all slots. */
  clear(): void {
    for (const slot of this.slots.splice(0)) this.drop(slot);
  }

  /** Forgets the slots that begin below an offset: nobody may be given them any more. */
  dropBelow(offset: number): void {
    if (!this.slots.some((slot) => slot.offset < offset)) return;
    const below = this.slots.filter((slot) => slot.offset < offset);
    this.slots = this.slots.filter((slot) => slot.offset >= offset);
    for (const slot of below) this.drop(slot);
  }

  private async extendBeyond(slot: Slot, wanted: Wanted): Promise<void> {
    const run = await slot.run;
    // Not when all was forgotten meanwhile, or nothing came.
    if (slot.state === 'dropped' || !run || run.chunks.length === 0) return;
    this.extend(run.nextOffset, null, { ...wanted, depth: wanted.depth - 1 });
  }

  private begin(offset: number, start: ColdRun, { read }: Wanted): Slot | null {
    if (this.slots.length >= limits.readAheadSlotsMax) this.drop(this.slots.shift()!);
    const slot: Slot = {
      offset,
      run: Promise.resolve(null),
      bytes: 0,
      state: 'ours',
      settled: null,
    };
    const reserve: Reserve = (bytes) => this.reserve(slot, bytes);
    if (!reserve(start.bytes)) {
      start.release();
      return null;
    }
    const reading = read(start, reserve);
    // Nothing is read, and nothing was there: no room.
    if (slot.bytes === 0) return null;
    this.slots.push(slot);
    slot.run = reading.then(
      (run) => this.settle(slot, run),
      () => this.settle(slot, start),
    );
    return slot;
  }

  private reserve(slot: Slot, bytes: number): boolean {
    if (slot.state === 'taken') return true;
    if (bytes <= slot.bytes) return true;
    if (bytes > this.budget.bytesMax || !this.budget.tryReserve(bytes - slot.bytes)) return false;
    slot.bytes = bytes;
    return true;
  }

  /** From now on it counts for what it has. */
  private settle(slot: Slot, run: ColdRun): ColdRun | null {
    if (slot.state === 'taken') return run.chunks.length > 0 ? run : null;
    slot.settled = run;
    if (slot.state === 'ours') this.count(slot, run.bytes);
    if (slot.state === 'ours' && run.chunks.length > 0) return run;
    const at = this.slots.indexOf(slot);
    if (at >= 0) this.slots.splice(at, 1);
    this.drop(slot);
    return null;
  }

  private count(slot: Slot, bytes: number): void {
    if (bytes > slot.bytes) this.budget.take(bytes - slot.bytes);
    else this.budget.release(slot.bytes - bytes);
    slot.bytes = bytes;
  }

  /** Its memory is free at once, or as soon as what is on its way has come. */
  private drop(slot: Slot): void {
    slot.state = 'dropped';
    if (slot.settled === null) return;
    slot.settled.release();
    this.count(slot, 0);
  }
}
