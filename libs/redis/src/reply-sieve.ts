import type { Lent, LentReplies } from './lent-replies';

/** Values from this size on are taken out. */
const largeBytesMin = 1024;
/** No line of the protocol is longer; the text of an error is the longest. */
const lineBytesMax = 64 * 1024;
const [dollar, lineFeed, zero] = [0x24, 0x0a, 0x30];
const lineEnd = Buffer.from('\r\n');

/**
 * Takes large values out of a stream of replies (RESP2): they are copied from the socket's memory
 * to memory that is lent, and a token is put in their place, so that ioredis sees replies as ever,
 * only shorter. It does not look at what the replies are; any mixture will do.
 */
export class ReplySieve {
  /** The head of a line whose end has not come. */
  private head = '';
  /** Bytes to come of a value that stays where it is, its line end included. */
  private smallLeft = 0;
  private large: Lent | null = null;
  /** Bytes that have come of the large value, its line end included. */
  private largeCame = 0;

  /** @param forward is given what remains, in memory of its own */
  constructor(
    private readonly lent: LentReplies,
    private readonly forward: (bytes: Buffer) => void,
  ) {}

  /**
   * Takes what came from the socket, in memory that may be used again afterwards.
   * @throws Error when this is not Redis' protocol
   */
  push(chunk: Buffer): void {
    const rest: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) at = this.step(chunk, at, rest);
    if (rest.length > 0) this.forward(Buffer.concat(rest));
  }

  /** The socket is gone. */
  end(): void {
    this.large?.release();
    this.large = null;
  }

  /** Goes on at `at`; adds what is to be forwarded to `rest`, and returns where it has stopped. */
  private step(chunk: Buffer, at: number, rest: Buffer[]): number {
    if (this.large !== null) return this.fill(this.large, chunk, at, rest);
    // What stays lies in one piece, up to the next large value or the end of the chunk.
    const from = at;
    while (at < chunk.length) {
      if (this.smallLeft > 0) {
        const bytes = Math.min(this.smallLeft, chunk.length - at);
        this.smallLeft -= bytes;
        at += bytes;
        continue;
      }
      const end = chunk.indexOf(lineFeed, at);
      if (end < 0) {
        rest.push(chunk.subarray(from, at));
        this.keepHead(chunk.toString('latin1', at));
        return chunk.length;
      }
      const isLarge = this.readLine(chunk, at, end);
      if (isLarge || this.head !== '') {
        rest.push(chunk.subarray(from, at));
        if (!isLarge) rest.push(Buffer.from(this.head, 'latin1'), chunk.subarray(at, end + 1));
        this.head = '';
        return end + 1;
      }
      at = end + 1;
    }
    rest.push(chunk.subarray(from, at));
    return at;
  }

  /** Reads a line that ends at `end`; true when it is the head of a large value. */
  private readLine(chunk: Buffer, at: number, end: number): boolean {
    const first = this.head === '' ? chunk[at] : this.head.charCodeAt(0);
    if (first !== dollar) return false;
    const line = this.head === '' ? '' : this.head + chunk.toString('latin1', at, end);
    const bytes =
      line === '' ? lengthIn(chunk, at + 1, end - 1) : Number.parseInt(line.slice(1), 10);
    if (Number.isNaN(bytes)) throw new Error('a reply of Redis has a length that is no number');
    if (bytes >= largeBytesMin && this.lent.isActive) {
      this.large = this.lent.take(bytes);
      this.largeCame = 0;
      return true;
    }
    // −1 is a null, without a value behind it.
    this.smallLeft = bytes < 0 ? 0 : bytes + lineEnd.length;
    return false;
  }

  private fill(large: Lent, chunk: Buffer, at: number, rest: Buffer[]): number {
    const { bytes } = large;
    const whole = bytes.length + lineEnd.length;
    const now = Math.min(whole - this.largeCame, chunk.length - at);
    const ofValue = Math.min(now, Math.max(0, bytes.length - this.largeCame));
    chunk.copy(bytes, this.largeCame, at, at + ofValue);
    this.largeCame += now;
    if (this.largeCame === whole) {
      const token = this.lent.keep(large);
      rest.push(Buffer.from(`$${token.length}\r\n`), token, lineEnd);
      this.large = null;
    }
    return at + now;
  }

  private keepHead(text: string): void {
    this.head += text;
    if (this.head.length > lineBytesMax) throw new Error('a reply of Redis has an endless line');
  }
}

/** The decimal number between two places, without making a string of it. */
function lengthIn(chunk: Buffer, from: number, to: number): number {
  if (chunk[from] === 0x2d) return -1;
  let value = from < to ? 0 : Number.NaN;
  for (let at = from; at < to; at++) {
    const digit = chunk[at]! - zero;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
