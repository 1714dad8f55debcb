const KiB = 1024;
/** Frames below it are too small to be worth keeping; those above it are too rare. */
const pooledBytesMin = 16 * KiB;
const pooledBytesMax = 1024 * KiB;
/** Bytes of unused buffers that are kept. */
const spareBytesMax = 32 * 1024 * KiB;

/**
 * Memory for large requests, used again and again. Fresh memory for each one is what makes the
 * garbage collector run: it counts the bytes outside its heap.
 */
export class FramePool {
  private readonly spares = new Map<number, Buffer[]>();
  private readonly lent = new WeakSet<ArrayBufferLike>();
  private spareBytes = 0;

  /** At least so many bytes, with anything in them. */
  readonly allocate = (bytes: number): Buffer => {
    if (bytes < pooledBytesMin || bytes > pooledBytesMax) return Buffer.allocUnsafeSlow(bytes);
    const size = 2 ** Math.ceil(Math.log2(bytes));
    const spare = this.spares.get(size)?.pop();
    if (spare) this.spareBytes -= size;
    const buffer = spare ?? Buffer.allocUnsafeSlow(size);
    this.lent.add(buffer.buffer);
    return buffer;
  };

  /**
   * Takes back the memory of a frame that nobody uses any more; what is not of this pool is left.
   */
  giveBack(frame: Buffer): void {
    if (frame.length < pooledBytesMin || !this.lent.delete(frame.buffer)) return;
    const buffer = Buffer.from(frame.buffer);
    if (this.spareBytes + buffer.length > spareBytesMax) return;
    this.spareBytes += buffer.length;
    const spares = this.spares.get(buffer.length);
    if (spares) spares.push(buffer);
    else this.spares.set(buffer.length, [buffer]);
  }
}
