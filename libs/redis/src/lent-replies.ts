import { strict as assert } from 'node:assert';
import { SparePool } from '@sluice/base';

const KiB = 1024;

/** Memory is taken in slabs of this size; a value that is larger gets memory of its own. */
const slabBytes = 1024 * KiB;
/** Slabs that are kept for the next replies; beyond it they are left to the garbage collector. */
const spareSlabsMax = 16;
/** What stands for a value in a reply: no batch is so short. */
const tokenBytes = 8;

/** Bytes of a reply in memory that is used again. */
export interface Lent {
  readonly bytes: Buffer;
  /**
   * To be called once the bytes are no longer used: others are written over them. Calling it twice
   * does nothing; without it the memory is left to the garbage collector.
   */
  release(): void;
}

interface Slab {
  readonly memory: Buffer;
  used: number;
  /** Values in it that are not released. */
  lent: number;
}

/**
 * Memory for large values of replies. Node and ioredis allocate each of them twice, outside the
 * heap of V8; at 500 MB/s that alone had its garbage collector mark the whole heap every 30 ms.
 */
export class LentReplies {
  private readonly spares = new SparePool({ spareBytesMax: spareSlabsMax * slabBytes });
  private slab: Slab | null = null;
  private readonly waiting = new Map<number, Lent>();
  private lastToken = 0;
  private active = false;

  /** False while a connection is made: ioredis itself reads what comes then. */
  get isActive(): boolean {
    return this.active;
  }

  /** The connection is ready: from now on whoever asks claims. */
  begin(): void {
    this.active = true;
  }

  /** Memory for a value of so many bytes. */
  take(bytes: number): Lent {
    if (bytes > slabBytes) return { bytes: Buffer.allocUnsafeSlow(bytes), release: () => {} };
    const slab = this.slabFor(bytes);
    const view = slab.memory.subarray(slab.used, slab.used + bytes);
    slab.used += bytes;
    slab.lent++;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      if (--slab.lent === 0) this.free(slab);
    };
    return { bytes: view, release };
  }

  /** Keeps a value until it is claimed with the token that is returned. */
  keep(value: Lent): Buffer {
    this.lastToken = (this.lastToken + 1) >>> 0;
    this.waiting.set(this.lastToken, value);
    const token = Buffer.alloc(tokenBytes);
    token.writeUInt32BE(this.lastToken);
    return token;
  }

  /** The value that a token stands for; what is no token stands for itself. */
  claim(value: Buffer): Lent {
    if (value.length !== tokenBytes) return { bytes: value, release: () => {} };
    const token = value.readUInt32BE();
    const lent = this.waiting.get(token);
    assert(lent !== undefined, 'a value was claimed that is not there');
    this.waiting.delete(token);
    return lent;
  }

  /** The connection is gone, and with it all that nobody has claimed. */
  end(): void {
    this.active = false;
    this.waiting.clear();
  }

  /** Values that nobody has claimed yet. */
  get unclaimed(): number {
    return this.waiting.size;
  }

  private slabFor(bytes: number): Slab {
    if (this.slab !== null && this.slab.used + bytes <= slabBytes) return this.slab;
    const full = this.slab;
    const memory = this.spares.take(slabBytes);
    this.slab = { memory, used: 0, lent: 0 };
    if (full?.lent === 0) this.free(full);
    return this.slab;
  }

  private free(slab: Slab): void {
    slab.used = 0;
    if (slab !== this.slab) this.spares.giveBack(slab.memory);
  }
}
