interface Waiter {
  bytes: number;
  grant: () => void;
}

/**
 * Bytes that may be in use at once, shared by many users; asked in order, granted in order. A
 * single request larger than the whole budget is granted when nothing else is in use, so nothing
 * waits for ever.
 */
export class MemoryBudget {
  private used = 0;
  private readonly waiters: Waiter[] = [];

  constructor(readonly bytesMax: number) {}

  /** Bytes in use now; may exceed the maximum by what `take` was called for. */
  get bytesUsed(): number {
    return this.used;
  }

  /** Bytes that are not in use. */
  get bytesFree(): number {
    return Math.max(0, this.bytesMax - this.used);
  }

  /** True while somebody waits for bytes. */
  get contended(): boolean {
    return this.waiters.length > 0;
  }

  /** How many wait for bytes. */
  get waitingCount(): number {
    return this.waiters.length;
  }

  /** Takes bytes that are already in memory, without asking. */
  take(bytes: number): void {
    this.used += bytes;
  }

  /** Takes bytes if there is room and nobody waits; says whether it did. */
  tryReserve(bytes: number): boolean {
    if (this.waiters.length > 0 || !this.fits(bytes)) return false;
    this.used += bytes;
    return true;
  }

  /**
   * Calls `grant` once the bytes are taken, at once if there is room. The returned function gives
   * the place in the queue up; it does nothing once granted.
   */
  reserve(bytes: number, grant: () => void): () => void {
    if (this.tryReserve(bytes)) {
      grant();
      return () => {};
    }
    const waiter = { bytes, grant };
    this.waiters.push(waiter);
    return () => {
      const at = this.waiters.indexOf(waiter);
      if (at < 0) return;
      this.waiters.splice(at, 1);
      this.grantWaiting();
    };
  }

  /** Gives bytes back, and lets those who wait for them go on. */
  release(bytes: number): void {
    this.used -= bytes;
    if (this.waiters.length > 0) this.grantWaiting();
  }

  private fits(bytes: number): boolean {
    return this.used + bytes <= this.bytesMax || this.used <= 0;
  }

  private grantWaiting(): void {
    for (let first = this.waiters[0]; first && this.fits(first.bytes); first = this.waiters[0]) {
      this.waiters.shift();
      this.used += first.bytes;
      first.grant();
    }
  }
}
