import { SparePool } from '@sluice/base';

const KiB = 1024;

/**
 * A ring's first segment, and its largest: they double, and a larger batch gets one of its own. Up
 * to the largest there are no sizes but these powers of two, so that few kinds of spares exist.
 */
export const segmentBytesMin = 32 * KiB;
export const segmentBytesMax = 512 * KiB;
/** Segments that are kept for the next ring that needs one, of one size and of all. */
const sparesPerSizeMax = 16;
const spareBytesMax = 2 * sparesPerSizeMax * segmentBytesMax;

/** Neighbouring batches in one piece of memory. */
export interface Segment {
  readonly memory: Buffer;
  used: number;
  readonly baseOffset: number;
  nextOffset: number;
  /** For each batch: its next offset, and where it ends in memory. */
  readonly nextOffsets: number[];
  readonly ends: number[];
  /** Fetches that are sending from it. */
  readers: number;
  /** No longer part of a ring. */
  forgotten: boolean;
  readonly evict: (segment: Segment) => void;
}

/**
 * Memory that the hot rings of all partitions share; the oldest segment goes first. Segments are
 * used again, because memory that is allocated and dropped at the rate of the traffic keeps the
 * garbage collector busy: with fresh buffers it took about half of the gateway's time at 200 MB/s.
 */
export class HotMemory {
  /** In the order in which they were taken; only these keep their memory. */
  private readonly segments = new Set<Segment>();
  private bytes = 0;
  private readonly spares = new SparePool({ spareBytesMax, sparesPerSizeMax });

  constructor(readonly bytesMax: number) {}

  /** False where no memory is given to what is hot. */
  get enabled(): boolean {
    return this.bytesMax > 0;
  }

  /** Bytes of all segments in rings. */
  get bytesUsed(): number {
    return this.bytes;
  }

  /** Bytes of all memory that it holds on to, with what is kept for the next ring. */
  get bytesHeld(): number {
    let bytes = this.spares.spareBytes;
    for (const { memory } of this.segments) bytes += memory.length;
    return bytes;
  }

  /** A new segment of at least so many bytes; `evict` is called when it has to go. */
  take(bytesMin: number, baseOffset: number, evict: (segment: Segment) => void): Segment {
    const size = segmentSize(bytesMin);
    const segment: Segment = {
      memory: this.spares.take(size),
      used: 0,
      baseOffset,
      nextOffset: baseOffset,
      nextOffsets: [],
      ends: [],
      readers: 0,
      forgotten: false,
      evict,
    };
    this.bytes += segment.memory.length;
    for (const oldest of this.segments) {
      if (this.bytes <= this.bytesMax) break;
      oldest.evict(oldest);
    }
    this.segments.add(segment);
    return segment;
  }

  /** A ring no longer has it; its memory is free as soon as nobody sends from it. */
  forget(segment: Segment): void {
    segment.forgotten = true;
    this.segments.delete(segment);
    this.bytes -= segment.memory.length;
    if (segment.readers === 0) this.keepSpare(segment.memory);
  }

  /** A fetch has sent what it had of it. */
  giveBack(segment: Segment): void {
    segment.readers--;
    if (segment.forgotten && segment.readers === 0) this.keepSpare(segment.memory);
  }

  private keepSpare(memory: Buffer): void {
    if (memory.length <= segmentBytesMax) this.spares.giveBack(memory);
  }
}

/** Few sizes, so that what one ring has used fits the next; a very large batch gets its own. */
function segmentSize(bytesMin: number): number {
  if (bytesMin > segmentBytesMax) return bytesMin;
  return Math.max(segmentBytesMin, 2 ** Math.ceil(Math.log2(bytesMin)));
}
