import { SparePool } from '@sluice/base';

const KiB = 1024;
/** Frames below it are too small to be worth keeping; those above it are too rare. */
const pooledBytesMin = 16 * KiB;
const pooledBytesMax = 1024 * KiB;
/** Bytes of unused buffers that are kept. */
const spareBytesMax = 32 * 1024 * KiB;

/**
 * Memory for large requests, used again and again; see `SparePool` for why.
 */
export class FramePool {
  private readonly spares = new SparePool({ spareBytesMax });
  private readonly lent = new WeakSet<ArrayBufferLike>();

  /** At least so many bytes, with anything in them. */
  readonly allocate = (bytes: number): Buffer => {
    if (bytes < pooledBytesMin || bytes > pooledBytesMax) return Buffer.allocUnsafeSlow(bytes);
    const buffer = this.spares.take(2 ** Math.ceil(Math.log2(bytes)));
    this.lent.add(buffer.buffer);
    return buffer;
  };

  /**
   * Takes back the memory of a frame that nobody uses any more; what is not of this pool is left.
   */
  giveBack(frame: Buffer): void {
    if (frame.length < pooledBytesMin || !this.lent.delete(frame.buffer)) return;
    this.spares.giveBack(Buffer.from(frame.buffer));
  }
}
