import { limits } from '../limits';
import { MemoryBudget } from '@sluice/base';

/**
 * Memory for the requests of all connections, a part for each of three sizes, so that whoever sends
 * large requests, or only announces them, cannot keep others from sending small ones.
 */
export class RequestMemory {
  /** A quarter each for small and medium requests, half for the large ones. */
  private readonly small: MemoryBudget;
  private readonly medium: MemoryBudget;
  private readonly large: MemoryBudget;

  constructor(bytesMax: number) {
    this.small = new MemoryBudget(Math.ceil(bytesMax / 4));
    this.medium = new MemoryBudget(Math.ceil(bytesMax / 4));
    this.large = new MemoryBudget(Math.ceil(bytesMax / 2));
  }

  /** Bytes of all requests in memory, and of those that room is kept for while they come. */
  get bytesUsed(): number {
    return this.small.bytesUsed + this.medium.bytesUsed + this.large.bytesUsed;
  }

  /** Each part by its name in metrics. */
  get parts(): Readonly<Record<string, MemoryBudget>> {
    const { small, medium, large } = this;
    return { requests_small: small, requests_medium: medium, requests_large: large };
  }

  /** True while somebody waits for room. */
  get contended(): boolean {
    return this.small.contended || this.medium.contended || this.large.contended;
  }

  /** The part that a request of this size is counted in. */
  partFor(frameBytes: number): MemoryBudget {
    if (frameBytes <= limits.smallFrameBytesMax) return this.small;
    return frameBytes <= limits.mediumFrameBytesMax ? this.medium : this.large;
  }
}

/**
 * What the requests of one connection take of it. A request that has come is counted without
 * asking, and while its part is over full the connection is not read. Of a frame that is still
 * coming only the beginning is free: then all its bytes have to be granted before more is read, so
 * frames that are half there never wait for one another.
 */
export class ConnectionMemory {
  private granted = 0;
  private grantedAtMs = 0;
  private overfull: MemoryBudget | null = null;
  private giveUp: (() => void) | null = null;

  /** @param onRoom called when reading may go on */
  constructor(
    private readonly memory: RequestMemory,
    private readonly onRoom: () => void,
    private readonly monotonicMs: () => number,
  ) {}

  /** Nothing more may be read now. */
  get waiting(): boolean {
    return this.giveUp !== null;
  }

  /** For how long it has had room for a frame under way that others now wait for; else null. */
  contendedMs(nowMs: number): number | null {
    if (this.granted === 0 || !this.memory.partFor(this.granted).contended) return null;
    return nowMs - this.grantedAtMs;
  }

  /** Counts a frame that has come; it has to be released. */
  admit(frameBytes: number): void {
    if (this.granted > 0) {
      this.granted = 0;
      return;
    }
    const part = this.memory.partFor(frameBytes);
    part.take(frameBytes);
    if (part.bytesUsed > part.bytesMax) this.overfull = part;
  }

  /** A request is answered, or is not going to be. */
  release(frameBytes: number): void {
    this.memory.partFor(frameBytes).release(frameBytes);
  }

  /** After bytes have come: asks for the room without which no more may be read. */
  ask(frameBytes: number, partialBytes: number): void {
    if (this.giveUp) return;
    const { overfull } = this;
    this.overfull = null;
    const isFree = Math.min(frameBytes, partialBytes) <= limits.smallFrameBytesMax;
    if (this.granted === 0 && !isFree) {
      this.wait(this.memory.partFor(frameBytes), frameBytes);
    } else if (overfull) this.wait(overfull, 0);
  }

  /** Gives back what the frame under way has. */
  close(): void {
    this.giveUp?.();
    this.giveUp = null;
    if (this.granted > 0) this.release(this.granted);
    this.granted = 0;
  }

  private wait(part: MemoryBudget, bytes: number): void {
    const take = () => {
      this.granted = bytes;
      this.grantedAtMs = this.monotonicMs();
    };
    if (part.tryReserve(bytes)) return take();
    this.giveUp = part.reserve(bytes, () => {
      this.giveUp = null;
      take();
      this.onRoom();
    });
  }
}
