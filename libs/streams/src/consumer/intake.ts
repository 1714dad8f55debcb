import type { DeliveredEntry } from '@sluice/log';
import { heldEntry } from './entry-queue';
import type { RecordFlow } from './record-flow';

/** An entry as a read brings it. */
export type EntryRow = [id: Buffer, fields: Buffer[]];

/** What became of the entries of a read. */
interface Received {
  /** Of those that were taken in. */
  bytes: number;
  /** Ids of those that were dealt with before, and are pending only. */
  strays: readonly string[];
  /** Another has taken what lies before the next, or it was trimmed away. */
  hasGap: boolean;
}

const none: readonly string[] = [];

/** How far one partition was read, and what its entries are like. */
export class Intake {
  /** What an entry most likely takes, bytes. */
  entryBytes = 1_024;

  /** @param position the first offset that was not read */
  constructor(public position: number) {}

  /** Takes in entries that a read has brought, as far as they follow on one another. */
  received(rows: readonly EntryRow[], flow: RecordFlow): Received {
    let bytes = 0;
    let strays: string[] | null = null;
    let hasGap = false;
    for (const [id, fields] of rows) {
      const row = { id: id.toString('latin1'), bytes: fields[1]! };
      const entry = heldEntry(row, this.position, { isRepeated: false });
      if (entry.lastOffset < this.position) {
        // Delivered once more: what is in flight is acknowledged in its turn.
        if (entry.lastOffset < flow.acknowledger.progress) (strays ??= []).push(entry.id);
        continue;
      }
      hasGap = entry.baseOffset > this.position;
      if (hasGap) break;
      flow.line.add(entry);
      bytes += entry.bytes.length;
      this.position = entry.lastOffset + 1;
    }
    this.entryBytes = Math.max(bytes / rows.length, this.entryBytes * 0.75);
    return { bytes, strays: strays ?? none, hasGap };
  }

  /**
   * Takes in entries that were delivered before.
   *
   * @param beforeEach is told the first offset of each, before it
   * @returns their bytes
   */
  tookOver(
    entries: readonly DeliveredEntry[],
    flow: RecordFlow,
    beforeEach: (offset: number) => void,
  ): number {
    let bytes = 0;
    for (const one of entries) {
      const entry = heldEntry(one, this.position, { isRepeated: true });
      beforeEach(entry.baseOffset);
      flow.line.add(entry);
      bytes += entry.bytes.length;
      this.position = entry.lastOffset + 1;
    }
    return bytes;
  }
}
