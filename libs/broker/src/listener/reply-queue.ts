import type { Socket } from 'node:net';
import type { Clock } from '@sluice/base';
import type { ApiMeter } from '../requests/request-meter';

/**
 * Replies up to so many bytes together are copied into one buffer: one write costs less than many.
 */
const joinedBytesMax = 64 * 1024;

interface SocketWithHandle {
  _handle: { writeQueueSize?: number } | null;
}

/** The place of one reply in its connection's order. */
export class PendingReply {
  chunks: Buffer[] | null = null;
  ready = false;
  private done: (() => void)[] | null = null;

  constructor(
    readonly meter: ApiMeter,
    readonly arrivedMs: number,
  ) {}

  onSent(done: () => void): void {
    (this.done ??= []).push(done);
  }

  settle(): void {
    for (const done of this.done ?? []) done();
    this.done = null;
  }
}

/** The replies of one connection: answered in any order, sent in the order they were expected. */
export class ReplyQueue {
  private pending: PendingReply[] = [];
  private head = 0;
  private flushing = false;
  private abandoned = false;
  /** When the oldest write that the kernel has not taken was made; each write taken moves it on. */
  private readonly writtenAtMs: number[] = [];
  /** What the kernel had not taken when it was last looked at, and when that was last less. */
  private leftBytes = 0;
  private takenAtMs = -Infinity;
  private readonly unsettled = new Set<PendingReply[]>();
  private sentListener: (() => void) | null = null;

  constructor(
    private readonly socket: Socket,
    private readonly clock: Clock,
  ) {}

  /** Bytes handed to the socket that the kernel has not taken. */
  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  /** Nothing is expected and nothing is unsent. */
  get sent(): boolean {
    return this.head === this.pending.length && this.writtenAtMs.length === 0;
  }

  /** @param arrivedMs since when the request is there whole */
  expect(meter: ApiMeter, arrivedMs: number): PendingReply {
    const reply = new PendingReply(meter, arrivedMs);
    this.pending.push(reply);
    return reply;
  }

  /**
   * Gives a reply's bytes, or null where the client expects none; it is sent when its turn comes.
   */
  answer(reply: PendingReply, chunks: Buffer[] | null): void {
    reply.chunks = chunks;
    reply.ready = true;
    if (this.abandoned) reply.settle();
    if (this.flushing) return;
    this.flushing = true;
    // Many replies become ready in one turn of the loop (group commit): they leave in one write.
    process.nextTick(() => this.flush());
  }

  /** Runs the listener once everything expected so far is sent. */
  whenSent(listener: () => void): void {
    this.sentListener = listener;
    this.checkSent();
  }

  /**
   * For how long the oldest write has not been taken whole, and for how long nothing of it has been
   * taken, as far as earlier calls have seen; 0 when there is none.
   */
  stall(nowMs: number): { unsentMs: number; silentMs: number } {
    const oldest = this.writtenAtMs[0];
    if (oldest === undefined) return { unsentMs: 0, silentMs: 0 };
    const left = bytesNotTaken(this.socket);
    if (left !== this.leftBytes) {
      this.leftBytes = left;
      this.takenAtMs = nowMs;
    }
    return { unsentMs: nowMs - oldest, silentMs: nowMs - Math.max(oldest, this.takenAtMs) };
  }

  /** There will be no answer; whoever waits for the reply to be sent is told. */
  giveUp(reply: PendingReply): void {
    reply.settle();
  }

  /** The connection is gone: whoever waits for a reply to be sent is told. */
  abandon(): void {
    this.abandoned = true;
    for (const group of this.unsettled) for (const reply of group) reply.settle();
    this.unsettled.clear();
    for (const reply of this.pending) if (reply.ready) reply.settle();
  }

  private flush(): void {
    this.flushing = false;
    const chunks: Buffer[] = [];
    const group: PendingReply[] = [];
    let bytes = 0;
    while (this.head < this.pending.length && this.pending[this.head]!.ready) {
      const reply = this.pending[this.head++]!;
      group.push(reply);
      if (reply.chunks === null) continue;
      const bytesBefore = bytes;
      for (const chunk of reply.chunks) {
        chunks.push(chunk);
        bytes += chunk.length;
      }
      reply.meter.replyBytes.add(bytes - bytesBefore);
    }
    if (this.head === this.pending.length || this.head > 1024) {
      this.pending.splice(0, this.head);
      this.head = 0;
    }
    if (this.abandoned || chunks.length === 0) this.settle(group);
    else this.write(group, joinSmall(chunks, bytes));
  }

  private write(group: PendingReply[], chunks: Buffer[]): void {
    this.unsettled.add(group);
    const nowMs = this.clock.monotonicMs();
    this.writtenAtMs.push(nowMs);
    for (const { chunks: answer, meter, arrivedMs } of group) {
      if (answer !== null) meter.seconds.observe((nowMs - arrivedMs) / 1000);
    }
    const last = chunks.length - 1;
    this.socket.cork();
    for (let i = 0; i < last; i++) this.socket.write(chunks[i]!);
    this.socket.write(chunks[last]!, () => {
      this.writtenAtMs.shift();
      if (this.writtenAtMs.length > 0) this.writtenAtMs[0] = this.clock.monotonicMs();
      this.unsettled.delete(group);
      this.settle(group);
    });
    this.socket.uncork();
  }

  private settle(group: PendingReply[]): void {
    for (const reply of group) reply.settle();
    this.checkSent();
  }

  private checkSent(): void {
    if (!this.sentListener || !this.sent) return;
    const listener = this.sentListener;
    this.sentListener = null;
    listener();
  }
}

function joinSmall(chunks: Buffer[], bytes: number): Buffer[] {
  return chunks.length > 1 && bytes <= joinedBytesMax ? [Buffer.concat(chunks, bytes)] : chunks;
}

/** Bytes of the write under way that the kernel has not taken; it takes a large one in parts. */
function bytesNotTaken(socket: Socket): number {
  const { _handle: handle } = socket as unknown as SocketWithHandle;
  return handle?.writeQueueSize ?? socket.writableLength;
}
