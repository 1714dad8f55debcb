import { wireLimits } from './limits';
import { MalformedError } from './malformed-error';

/** Bytes of the size in front of every frame. */
const sizeBytes = 4;

/**
 * Cuts a stream of bytes into frames: a 4-byte big-endian size, and as many bytes. A frame that
 * lies inside a chunk is given out as a view of it; one that arrives in pieces is collected in
 * memory of its own.
 */
export class FrameReader {
  private readonly frameBytesMax: number;
  private readonly allocate: (bytes: number) => Buffer;
  private readonly chunksAreReused: boolean;
  private readonly head = Buffer.alloc(sizeBytes);
  private headBytes = 0;
  /** Size of the frame under way; -1 while its head is not complete. */
  private size = -1;
  private body: Buffer = Buffer.alloc(0);
  private bodyBytes = 0;

  /**
   * @param options.allocate memory of at least so many bytes for a frame that comes in pieces; the
   * frame is a view of it that begins where it begins
   * @param options.chunksAreReused the memory of chunks is written again after `push`: frames that
   * lie inside a chunk are copied, small neighbours together
   */
  constructor(options: {
    readonly frameBytesMax: number;
    readonly allocate?: (bytes: number) => Buffer;
    readonly chunksAreReused?: boolean;
  }) {
    this.chunksAreReused = options.chunksAreReused ?? false;
    this.frameBytesMax = options.frameBytesMax;
    this.allocate = options.allocate ?? Buffer.allocUnsafeSlow;
  }

  /** Bytes that the frame under way will have without its head; 0 until the head is complete. */
  get frameBytes(): number {
    return Math.max(this.size, 0);
  }

  /** Bytes that have come of the frame under way, its head included. */
  get partialBytes(): number {
    return this.headBytes + this.bodyBytes;
  }

  /**
   * Takes what came from the socket; returns the frames that are now complete, without their sizes.
   * @throws MalformedError on a size that is negative or above the limit. The stream is lost then.
   */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    let at = 0;
    if (this.headBytes > 0) at = this.resume(chunk, frames);
    while (at < chunk.length) {
      if (chunk.length - at < sizeBytes) {
        this.headBytes = chunk.copy(this.head, 0, at);
        break;
      }
      const size = this.checked(chunk.readInt32BE(at));
      const bodyAt = at + sizeBytes;
      if (chunk.length - bodyAt < size) {
        this.begin(size);
        this.collect(chunk, bodyAt);
        break;
      }
      if (!this.chunksAreReused) frames.push(chunk.subarray(bodyAt, bodyAt + size));
      else if (size >= wireLimits.frameCopiedAloneBytes)
        frames.push(this.copyOf(chunk, bodyAt, size));
      else {
        at = this.copySmall(chunk, at, frames);
        continue;
      }
      at = bodyAt + size;
    }
    return frames;
  }

  /** Goes on with the frame under way; returns how much of the chunk it took. */
  private resume(chunk: Buffer, frames: Buffer[]): number {
    let at = 0;
    if (this.size < 0) {
      at = chunk.copy(this.head, this.headBytes, 0, sizeBytes - this.headBytes);
      this.headBytes += at;
      if (this.headBytes < sizeBytes) return at;
      const size = this.checked(this.head.readInt32BE(0));
      if (chunk.length - at >= size) {
        this.headBytes = 0;
        const inside = !this.chunksAreReused;
        frames.push(inside ? chunk.subarray(at, at + size) : this.copyOf(chunk, at, size));
        return at + size;
      }
      this.begin(size);
    }
    at = this.collect(chunk, at);
    if (this.bodyBytes === this.size) {
      frames.push(this.body.subarray(0, this.size));
      this.end();
    }
    return at;
  }

  private copyOf(chunk: Buffer, at: number, size: number): Buffer {
    const body = this.allocate(size);
    chunk.copy(body, 0, at, at + size);
    return body.subarray(0, size);
  }

  /** Copies the small frames from `at` on that lie next to one another in one piece. */
  private copySmall(chunk: Buffer, at: number, frames: Buffer[]): number {
    const ends: number[] = [];
    let end = at;
    while (chunk.length - end >= sizeBytes) {
      const size = this.checked(chunk.readInt32BE(end));
      if (size >= wireLimits.frameCopiedAloneBytes || chunk.length - end - sizeBytes < size) break;
      end += sizeBytes + size;
      ends.push(end - at);
    }
    const copy = Buffer.allocUnsafeSlow(end - at);
    chunk.copy(copy, 0, at, end);
    let start = 0;
    for (const next of ends) {
      frames.push(copy.subarray(start + sizeBytes, next));
      start = next;
    }
    return end;
  }

  private begin(size: number): void {
    this.headBytes = sizeBytes;
    this.size = size;
    this.bodyBytes = 0;
    this.body = this.allocate(Math.min(size, wireLimits.frameBytesAtFirst));
  }

  private collect(chunk: Buffer, at: number): number {
    const taken = Math.min(this.size - this.bodyBytes, chunk.length - at);
    const needed = this.bodyBytes + taken;
    if (needed > this.body.length) this.enlarge(needed);
    chunk.copy(this.body, this.bodyBytes, at, at + taken);
    this.bodyBytes = needed;
    return at + taken;
  }

  /**
   * A size that was only announced must not cost memory: it doubles, up to the size, as the bytes
   * come.
   */
  private enlarge(needed: number): void {
    const larger = Math.min(this.size, Math.max(this.body.length * 2, needed));
    const body = this.allocate(larger);
    this.body.copy(body, 0, 0, this.bodyBytes);
    this.body = body;
  }

  private end(): void {
    this.headBytes = 0;
    this.size = -1;
    this.bodyBytes = 0;
    this.body = Buffer.alloc(0);
  }

  private checked(size: number): number {
    if (size >= 0 && size <= this.frameBytesMax) return size;
    throw new MalformedError(`a frame of ${size} bytes (the limit is ${this.frameBytesMax})`);
  }
}
