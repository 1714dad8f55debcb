import { RecordsError } from './errors';

/*
 * Zig-zag variable-length integers, as protocol buffers and Kafka's records have them: 0, -1, 1, -2
 * … become 0, 1, 2, 3 …, in groups of seven bits, least significant first. An int32 takes up to
 * five bytes, an int64 ten.
 *
 * A zig-zag value is handled as its sign bit and its "half" (the rest), since the half of every
 * safe integer is a safe integer too, and the whole is not.
 */

const smallMin = -0x4000_0000;
const smallMax = 0x3fff_ffff;

/** Bytes that the varint of a safe integer takes. */
export function varintBytes(value: number): number {
  let half = value < 0 ? -value - 1 : value;
  let bytes = 1;
  for (half = Math.floor(half / 64); half > 0; half = Math.floor(half / 128)) bytes++;
  return bytes;
}

/** Writes the varint of a safe integer; returns where the next byte goes. */
export function writeVarint(buffer: Buffer, value: number, start: number): number {
  let at = start;
  if (value >= smallMin && value <= smallMax) {
    let rest = (value << 1) ^ (value >> 31);
    for (; rest > 0x7f; rest >>>= 7) buffer[at++] = (rest & 0x7f) | 0x80;
    buffer[at++] = rest;
    return at;
  }
  let half = value < 0 ? -value - 1 : value;
  buffer[at++] = ((half % 64) << 1) | (value < 0 ? 1 : 0) | 0x80;
  for (half = Math.floor(half / 64); half > 0x7f; half = Math.floor(half / 128)) {
    buffer[at++] = (half % 128) | 0x80;
  }
  buffer[at++] = half;
  return at;
}

/**
 * Walks over bytes and never past `end`, which the caller may narrow. Every failure is a
 * RecordsError `invalid-record`.
 */
export class Cursor {
  at: number;
  end: number;

  constructor(
    readonly buffer: Buffer,
    start = 0,
    end = buffer.length,
  ) {
    this.at = start;
    this.end = end;
  }

  /** Reads a zig-zag int32. */
  varint(): number {
    const small = this.oneByte();
    return small >= 0 ? (small >>> 1) ^ -(small & 1) : this.longVarint();
  }

  /** Reads a zig-zag int64 that fits a safe integer. */
  varlong(): number {
    const small = this.oneByte();
    return small >= 0 ? (small >>> 1) ^ -(small & 1) : this.longVarlong();
  }

  /** Takes the next `bytes` bytes, as a view. */
  take(bytes: number): Buffer {
    const start = this.at;
    this.skip(bytes);
    return this.buffer.subarray(start, this.at);
  }

  /** Steps over `bytes` bytes. */
  skip(bytes: number): void {
    if (bytes < 0 || bytes > this.end - this.at) {
      throw new RecordsError('invalid-record', `length ${bytes} at byte ${this.at} does not fit`);
    }
    this.at += bytes;
  }

  /** The next byte when it is a whole varint, else -1 and nothing is consumed. */
  private oneByte(): number {
    if (this.at >= this.end) throw ranOut(this.at);
    const byte = this.buffer[this.at]!;
    if (byte > 0x7f) return -1;
    this.at++;
    return byte;
  }

  private longVarint(): number {
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      if (this.at >= this.end) throw ranOut(this.at);
      const byte = this.buffer[this.at++]!;
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new RecordsError('invalid-record', `varint before byte ${this.at} is beyond 32 bits`);
  }

  private longVarlong(): number {
    const first = this.buffer[this.at++]!;
    let half = (first & 0x7f) >>> 1;
    let weight = 64;
    for (let bytes = 2; bytes <= 10; bytes++) {
      if (this.at >= this.end) throw ranOut(this.at);
      const byte = this.buffer[this.at++]!;
      // A sum that passes 2^53 has lost digits, but stays above 2^53, so the check below still
      // catches it.
      half += (byte & 0x7f) * weight;
      weight *= 128;
      if (byte > 0x7f) continue;
      const value = first & 1 ? -half - 1 : half;
      if (!Number.isSafeInteger(value)) break;
      return value;
    }
    throw new RecordsError('invalid-record', `varint before byte ${this.at} is beyond 2^53`);
  }
}

function ranOut(at: number): RecordsError {
  return new RecordsError('invalid-record', `bytes end inside a number at byte ${at}`);
}
