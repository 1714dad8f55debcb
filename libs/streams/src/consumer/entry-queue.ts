import type { DeliveredEntry } from '@sluice/log';

/** An entry of the log that was read and is not acknowledged. */
export interface HeldEntry extends DeliveredEntry {
  baseOffset: number;
  lastOffset: number;
  /** The offset that was to come: what lies from there to its own first is not in the log. */
  follows: number;
  /** It was delivered before, perhaps to another. */
  isRepeated: boolean;
}

/** Where a batch's header says how many offsets it takes, counted from its base offset. */
const lastOffsetDeltaAt = 23;

/**
 * What an entry says of its batch. A batch that is no batch is found when it is opened.
 *
 * @param follows the offset that was to come
 */
export function heldEntry(
  { id, bytes }: DeliveredEntry,
  follows: number,
  { isRepeated }: { isRepeated: boolean },
): HeldEntry {
  const lastOffset = Number.parseInt(id, 10);
  const delta = bytes.length >= lastOffsetDeltaAt + 4 ? bytes.readInt32BE(lastOffsetDeltaAt) : 0;
  const baseOffset = lastOffset - Math.max(0, delta);
  return { id, bytes, isRepeated, follows, lastOffset, baseOffset };
}

const noBytes = Buffer.alloc(0);
/** How many entries at the front may be done with before the list is made shorter. */
const spareEntriesMax = 256;

/**
 * Entries of one partition in the order of the log: those whose records are to be handed over, and
 * before them those whose records are in flight.
 */
export class EntryQueue {
  private entries: HeldEntry[] = [];
  private sizes: number[] = [];
  private first = 0;
  private next = 0;
  private bytes = 0;

  /** Bytes of all of them. */
  get heldBytes(): number {
    return this.bytes;
  }

  /** How many there are. */
  get size(): number {
    return this.entries.length - this.first;
  }

  /** Whether there is one to be handed over. */
  get hasNext(): boolean {
    return this.next < this.entries.length;
  }

  add(entry: HeldEntry): void {
    this.entries.push(entry);
    this.sizes.push(entry.bytes.length);
    this.bytes += entry.bytes.length;
  }

  /** The next one to be handed over. */
  peek(): HeldEntry {
    return this.entries[this.next]!;
  }

  /** The next one is being handed over; its bytes are its records' from now on. */
  advance(): void {
    this.entries[this.next++]!.bytes = noBytes;
  }

  /** Ids of entries at the front that lie wholly below an offset. */
  idsBelow(offset: number, countMax: number): string[] {
    const ids: string[] = [];
    for (let at = this.first; at < this.next && ids.length < countMax; at++) {
      if (this.entries[at]!.lastOffset >= offset) break;
      ids.push(this.entries[at]!.id);
    }
    return ids;
  }

  /** Forgets so many at the front. @returns their bytes */
  drop(count: number): number {
    let bytes = 0;
    for (let left = count; left > 0; left--) bytes += this.sizes[this.first++]!;
    this.bytes -= bytes;
    if (this.first > spareEntriesMax) {
      this.entries.splice(0, this.first);
      this.sizes.splice(0, this.first);
      this.next -= this.first;
      this.first = 0;
    }
    return bytes;
  }

  /** Forgets those that are to be handed over. @returns their bytes */
  dropWaiting(): number {
    let bytes = 0;
    while (this.entries.length > this.next) {
      this.entries.pop();
      bytes += this.sizes.pop()!;
    }
    this.bytes -= bytes;
    return bytes;
  }
}
