import type { PartitionBounds, PartitionRef, PartitionStore } from '@sluice/log';
import type { MemoryBudget } from '@sluice/base';
import { limits } from '../limits';
import { addBatch, type ColdRun, cutRun, emptyRun } from './cold-run';
import { ReadAhead, type Reserve } from './read-ahead';
import type { TopicMeter } from './traffic-meter';

/** How many ends of earlier reads are remembered, to tell who reads on from where it was. */
const rememberedEnds = 8;

/** What reads of what is no longer hot are made of. */
export interface ColdReadsOptions {
  store: PartitionStore;
  ref: PartitionRef;
  /** For what is read ahead in the whole gateway. */
  budget: MemoryBudget;
  /** True for an offset that is hot, and so not worth being read ahead. */
  isHot: (offset: number) => boolean;
  meter?: Pick<TopicMeter, 'read'>;
}

/**
 * Reads of what is no longer hot: from the stream, in few calls that are each bounded in bytes, and
 * ahead of those who read on.
 */
export class ColdReads {
  private readonly ends: number[] = [];
  private readonly ahead: ReadAhead;

  constructor(private readonly options: ColdReadsOptions) {
    this.ahead = new ReadAhead(options.budget);
  }

  /**
   * The batches from the one that holds `offset`, up to `bytesMax` but at least one; none when
   * there is nothing at or after that offset. Whoever gets the run owns it.
   *
   * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
   */
  async read(offset: number, bytesMax: number, bounds: PartitionBounds): Promise<ColdRun> {
    const ahead = await this.ahead.take(offset);
    const found = ahead !== null && ahead.chunks.length > 0;
    const run = found ? ahead : await this.fill(emptyRun(offset), bytesMax, bounds);
    if (run.chunks.length === 0) return run;
    const rest = cutRun(run, bytesMax);
    const next = run.nextOffset;
    const source = found ? 'ahead' : 'cold';
    this.options.meter?.read(source, run.chunks.length, next - offset, run.bytes);
    if (rest || found || this.ends.includes(offset)) this.readOn(next, rest, bytesMax, bounds);
    this.ends.push(next);
    if (this.ends.length > rememberedEnds) this.ends.shift();
    return run;
  }

  /** Forgets what was read ahead, as when it may not be in the log any more. */
  clear(): void {
    this.ahead.clear();
  }

  /** Forgets what was read ahead below the log's start. */
  dropBelow(offset: number): void {
    this.ahead.dropBelow(offset);
  }

  /** Gets ready what a sequential reader will ask for next, beginning with what is read already. */
  private readOn(
    next: number,
    rest: ColdRun | null,
    bytesMax: number,
    bounds: PartitionBounds,
  ): void {
    if (this.options.isHot(next)) return rest?.release();
    const bytes = Math.min(bytesMax, limits.readAheadBytesMax);
    this.ahead.extend(next, rest, {
      depth: limits.readAheadDepth,
      endOffset: bounds.highWatermark,
      read: (run, reserve) => this.fill(run, bytes, bounds, reserve),
    });
  }

  /**
   * Adds batches to a run, from the one that holds its next offset on, until another of average
   * size would exceed `bytesMax` (but at least one) or the known high watermark is reached; one
   * chunk a batch. The run stays as it is when there is nothing at or after that offset.
   *
   * @param reserve asked, before each call, for the bytes that the run may have after it
   */
  private async fill(
    run: ColdRun,
    bytesMax: number,
    bounds: PartitionBounds,
    reserve?: Reserve,
  ): Promise<ColdRun> {
    const average = bounds.batches > 0 ? Math.max(1, bounds.bytes / bounds.batches) : 1024;
    const largest = Math.max(1, bounds.largestBatchBytes);
    const safe = Math.floor(limits.readBytesMax / largest);
    while (run.nextOffset < bounds.highWatermark) {
      const fitting = Math.floor((bytesMax - run.bytes) / average);
      if (fitting < 1 && run.bytes > 0) break;
      const entries = Math.max(1, Math.min(fitting, safe, limits.readEntriesMax));
      if (reserve?.(run.bytes + entries * largest) === false) break;
      const { store, ref } = this.options;
      const batches = await store.readLent(ref, run.nextOffset, {
        entries,
        endOffset: bounds.highWatermark,
        leaderEpochs: bounds.leaderEpochs,
      });
      for (const batch of batches) addBatch(run, batch);
      if (batches.length < entries) break;
    }
    return run;
  }
}
