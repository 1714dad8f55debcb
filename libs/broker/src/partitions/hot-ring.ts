import { type HotMemory, type Segment, segmentBytesMax, segmentBytesMin } from './hot-memory';

/** Stored batches that follow one another, and the offset after the last of them. */
export interface BatchRun {
  chunks: Buffer[];
  bytes: number;
  nextOffset: number;
  /** How many there are, where a chunk may be several. */
  batches?: number;
  /**
   * To be called once the chunks are no longer used, where it is set: their memory is then written
   * again. Calling it twice does nothing.
   */
  release?: () => void;
}

/**
 * The batches that a partition's leader lately appended, ready to serve without asking Redis. What
 * is in the log never changes, so a batch here is right for as long as its offset is in the log.
 * They lie next to one another in a few segments, so many small ones are served as one slice.
 */
export class HotRing {
  private readonly segments: Segment[] = [];
  private nextSegmentBytes: number = segmentBytesMin;

  constructor(private readonly memory: HotMemory) {}

  /**
   * Adds a copy of a stamped batch that begins at `baseOffset`; a hole before it drops the rest.
   */
  push(batch: Buffer, baseOffset: number, nextOffset: number): void {
    if (!this.memory.enabled) return;
    let last = this.segments.at(-1);
    if (last && baseOffset !== last.nextOffset) {
      if (baseOffset < last.nextOffset) return;
      this.clear();
      last = undefined;
    }
    if (!last || last.used + batch.length > last.memory.length) {
      last = this.addSegment(batch.length, baseOffset);
    }
    last.memory.set(batch, last.used);
    last.used += batch.length;
    last.nextOffset = nextOffset;
    last.nextOffsets.push(nextOffset);
    last.ends.push(last.used);
  }

  /** True when the ring has the batch that holds this offset. */
  holds(offset: number): boolean {
    return this.segmentOf(offset) >= 0;
  }

  /**
   * Whole batches from the one that holds `offset`, up to `bytesMax` but at least one, and below
   * `endOffset`, where some batch ends; null when the ring does not hold that offset. The run has
   * to be released.
   */
  read(offset: number, bytesMax: number, endOffset = Infinity): BatchRun | null {
    let index = this.segmentOf(offset);
    if (index < 0 || offset >= endOffset) return null;
    const run = { chunks: [] as Buffer[], bytes: 0, nextOffset: offset, batches: 0 };
    const lent: Segment[] = [];
    for (; index < this.segments.length; index++) {
      const segment = this.segments[index]!;
      const first =
        run.nextOffset > segment.baseOffset ? firstAbove(segment.nextOffsets, offset) : 0;
      const start = first === 0 ? 0 : segment.ends[first - 1]!;
      const limit = start + bytesMax - run.bytes;
      let end = endWithin(segment.ends, first, limit, run.bytes === 0);
      if (segment.nextOffset > endOffset) {
        end = Math.min(end, firstAbove(segment.nextOffsets, endOffset) - 1);
      }
      if (end < first) break;
      run.chunks.push(segment.memory.subarray(start, segment.ends[end]!));
      run.bytes += segment.ends[end]! - start;
      run.nextOffset = segment.nextOffsets[end]!;
      run.batches += end - first + 1;
      lent.push(segment);
      segment.readers++;
      if (end < segment.ends.length - 1 || run.bytes >= bytesMax) break;
    }
    const release = (): void => {
      for (const segment of lent.splice(0)) this.memory.giveBack(segment);
    };
    return { ...run, release };
  }

  /** Forgets everything, as after a change of the log's history. */
  clear(): void {
    for (const segment of this.segments.splice(0)) this.memory.forget(segment);
    this.nextSegmentBytes = segmentBytesMin;
  }

  /** Lets go of segments that lie wholly below an offset, the log's start. */
  dropBelow(offset: number): void {
    let count = 0;
    while (count < this.segments.length && this.segments[count]!.nextOffset <= offset) count++;
    if (count === 0) return;
    for (const segment of this.segments.splice(0, count)) this.memory.forget(segment);
  }

  private addSegment(batchBytes: number, baseOffset: number): Segment {
    const segment = this.memory.take(
      Math.max(this.nextSegmentBytes, batchBytes),
      baseOffset,
      (gone) => {
        const at = this.segments.indexOf(gone);
        for (const evicted of this.segments.splice(0, at + 1)) this.memory.forget(evicted);
      },
    );
    // A partition with little traffic keeps little memory.
    this.nextSegmentBytes = Math.min(this.nextSegmentBytes * 2, segmentBytesMax);
    this.segments.push(segment);
    return segment;
  }

  private segmentOf(offset: number): number {
    const first = this.segments[0];
    const last = this.segments.at(-1);
    if (!first || !last || offset < first.baseOffset || offset >= last.nextOffset) return -1;
    let low = 0;
    let high = this.segments.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.segments[middle]!.nextOffset > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The first index whose value is above the target; values rise. */
function firstAbove(values: number[], target: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! > target) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The last index from `first` whose end is within the limit; `first` itself where one is a must.
 */
function endWithin(ends: number[], first: number, limit: number, atLeastOne: boolean): number {
  let low = first - 1;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ends[middle]! <= limit) low = middle;
    else high = middle - 1;
  }
  return low < first && atLeastOne ? first : low;
}
