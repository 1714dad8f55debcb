import { limits } from '../limits';
import type { MemoryBudget } from '@sluice/base';
import type { ColdRun } from './cold-run';

interface Slot {
  offset: number;
  run: Promise<ColdRun | null>;
  bytes: number;
}

/** What is to be read ahead. */
export interface Wanted {
  /** So many runs, one after the other. */
  depth: number;
  /** Bytes of each, at most. */
  bytes: number;
  /** Nothing at or after this offset. */
  endOffset: number;
  /** Reads a run that begins at an offset. */
  read: (offset: number) => Promise<ColdRun>;
}

/**
 * What sequential readers of one partition will want next, asked of Redis while they are still busy
 * with what they have. A slot serves once: what is not hot is not worth keeping.
 */
export class ReadAhead {
  private slots: Slot[] = [];

  constructor(private readonly budget: MemoryBudget) {}

  /** The run that begins at this offset, if it was asked for; whoever takes it owns it. */
  take(offset: number): Promise<ColdRun | null> | null {
    const slot = this.slots.find((one) => one.offset === offset);
    if (!slot) return null;
    this.slots.splice(this.slots.indexOf(slot), 1);
    this.budget.release(slot.bytes);
    return slot.run;
  }

  /**
   * Sees to it that the next runs from this offset on are being read, as far as there is room.
   * Errors are left to the reader's own try.
   */
  extend(offset: number, wanted: Wanted): void {
    if (offset >= wanted.endOffset) return;
    const slot = this.slots.find((one) => one.offset === offset) ?? this.start(offset, wanted);
    if (slot && wanted.depth > 1) void this.extendBeyond(slot, wanted);
  }

  /** Forgets all slots. */
  clear(): void {
    for (const slot of this.slots) this.budget.release(slot.bytes);
    this.slots = [];
  }

  private async extendBeyond(slot: Slot, wanted: Wanted): Promise<void> {
    const { slots } = this;
    const run = await slot.run;
    // Not when all was forgotten meanwhile, or nothing came.
    if (slots !== this.slots || !run || run.chunks.length === 0) return;
    this.extend(run.nextOffset, { ...wanted, depth: wanted.depth - 1 });
  }

  private start(offset: number, { bytes, read }: Wanted): Slot | null {
    if (this.slots.length >= limits.readAheadSlotsMax) {
      this.budget.release(this.slots.shift()!.bytes);
    }
    if (!this.budget.tryReserve(bytes)) return null;
    const slot = { offset, run: read(offset).catch(() => null), bytes };
    this.slots.push(slot);
    return slot;
  }
}
