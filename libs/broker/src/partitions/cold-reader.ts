import type { PartitionBounds, PartitionRef, PartitionStore } from '@sluice/log';
import { limits } from '../limits';
import { addBatch, type ColdRun } from './cold-run';

/** How many ends of earlier reads are remembered, to tell who reads on from where it was. */
const rememberedEnds = 8;

/** Reads what is no longer hot from the stream, in few calls that are each bounded in bytes. */
export class ColdReader {
  private readonly ends: number[] = [];

  constructor(
    private readonly store: PartitionStore,
    private readonly ref: PartitionRef,
  ) {}

  /** True when an earlier read ended where this one begins. */
  isSequential(offset: number): boolean {
    return this.ends.includes(offset);
  }

  /** Remembers where a read has ended. */
  note(nextOffset: number): void {
    this.ends.push(nextOffset);
    if (this.ends.length > rememberedEnds) this.ends.shift();
  }

  /**
   * Adds batches to a run, from the one that holds its next offset on, until another of average
   * size would exceed `bytesMax` (but at least one) or the known log end is reached; one chunk a
   * batch. The run stays as it is when there is nothing at or after that offset.
   */
  async read(run: ColdRun, bytesMax: number, bounds: PartitionBounds): Promise<ColdRun> {
    const average = bounds.batches > 0 ? Math.max(1, bounds.bytes / bounds.batches) : 1024;
    const safe = Math.floor(limits.readBytesMax / Math.max(1, bounds.largestBatchBytes));
    while (run.nextOffset < bounds.logEndOffset) {
      const fitting = Math.floor((bytesMax - run.bytes) / average);
      if (fitting < 1 && run.bytes > 0) break;
      const entries = Math.max(1, Math.min(fitting, safe, limits.readEntriesMax));
      const batches = await this.store.readLent(this.ref, run.nextOffset, {
        entries,
        leaderEpochs: bounds.leaderEpochs,
      });
      for (const batch of batches) addBatch(run, batch);
      if (batches.length < entries) break;
    }
    return run;
  }
}
