import type { Clock } from '@sluice/base';
import { limits } from '../limits';

/** How much one page has looked at. */
export interface Scanned {
  records: number;
  bytes: number;
  ms: number;
}

/** What one page may look at, over all its partitions. */
export class ScanBudget {
  private records = 0;
  private bytes = 0;
  private readonly startedMs: number;

  /** @param signal aborted when nobody waits for the page any more */
  constructor(
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {
    this.startedMs = clock.monotonicMs();
  }

  get scanned(): Scanned {
    const { records, bytes } = this;
    return { records, bytes, ms: Math.round(this.clock.monotonicMs() - this.startedMs) };
  }

  /** One record more was looked at. */
  countRecord(): void {
    this.records++;
  }

  countBytes(bytes: number): void {
    this.bytes += bytes;
  }

  /** Why nothing more is to be looked at; null: go on. */
  get spent(): 'records' | 'bytes' | 'time' | 'gone' | null {
    if (this.signal.aborted) return 'gone';
    if (this.records >= limits.browseScanRecordsMax) return 'records';
    if (this.bytes >= limits.browseScanBytesMax) return 'bytes';
    return this.clock.monotonicMs() - this.startedMs >= limits.browseScanMsMax ? 'time' : null;
  }
}
