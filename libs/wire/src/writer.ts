import { wireLimits } from './limits';
import { writeUuid } from './uuid';

/**
 * Strings of up to this many characters are written by a loop here; longer ones by Buffer's own
 * encoder.
 */
const loopCharactersMax = 48;

/**
 * Where messages are put together. One is shared by all: encoding is synchronous, and `finish`
 * copies the result out, so what remains is one allocation for each message. Large buffers are not
 * copied: they are remembered with their place (`cuts`) and handed out between the pieces of the
 * copy.
 */
export class Scratch {
  buffer = Buffer.allocUnsafeSlow(wireLimits.scratchBytes);
  at = 0;
  private cuts: number[] = [];
  private references: Buffer[] = [];
  private referencedBytes = 0;
  /** Error codes, other than 0, of the message that was written last. */
  errorCodes: number[] = [];

  start(at: number): void {
    this.at = at;
    if (this.errorCodes.length > 0) this.errorCodes = [];
    if (this.references.length === 0) return;
    this.cuts = [];
    this.references = [];
    this.referencedBytes = 0;
  }

  /** Makes room for `need` more bytes behind `at`; returns the memory to go on with. */
  grow(at: number, need: number): Buffer {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, at + need));
    this.buffer.copy(grown, 0, 0, at);
    this.buffer = grown;
    return grown;
  }

  putByte(at: number, value: number): number {
    const buffer = this.buffer.length - at < 1 ? this.grow(at, 1) : this.buffer;
    buffer[at] = value;
    return at + 1;
  }

  refer(at: number, chunk: Buffer): void {
    this.cuts.push(at);
    this.references.push(chunk);
    this.referencedBytes += chunk.length;
  }

  /** Puts the frame's size in front and returns the frame as chunks in memory of their own. */
  finish(): Buffer[] {
    const { at, buffer } = this;
    putInt32(buffer, 0, at + this.referencedBytes - 4);
    const own = Buffer.allocUnsafe(at);
    buffer.copy(own, 0, 0, at);
    if (buffer.length > wireLimits.scratchBytesKept) {
      this.buffer = Buffer.allocUnsafeSlow(wireLimits.scratchBytes);
    }
    return this.references.length === 0 ? [own] : this.interleave(own);
  }

  private interleave(own: Buffer): Buffer[] {
    const chunks: Buffer[] = [];
    let from = 0;
    for (const [index, cut] of this.cuts.entries()) {
      if (cut > from) chunks.push(own.subarray(from, cut));
      chunks.push(this.references[index]!);
      from = cut;
    }
    if (own.length > from) chunks.push(own.subarray(from));
    this.start(0);
    return chunks;
  }
}

export function putInt32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >> 24;
  buffer[at + 1] = value >> 16;
  buffer[at + 2] = value >> 8;
  buffer[at + 3] = value;
}

/** A safe integer as big-endian int64. */
export function putInt64(buffer: Buffer, at: number, value: number): void {
  putInt32(buffer, at, Math.floor(value / 0x1_0000_0000));
  putInt32(buffer, at + 4, value >>> 0);
}

export function putUuid(buffer: Buffer, at: number, value: string): void {
  if (!writeUuid(buffer, at, value)) throw new RangeError(`not a uuid in base64url: '${value}'`);
}

/**
 * Writes an unsigned varint of up to 32 bits; the room must be there. Returns the position behind
 * it.
 */
export function putVarint(buffer: Buffer, at: number, value: number): number {
  let rest = value;
  while (rest > 0x7f) {
    buffer[at] = (rest & 0x7f) | 0x80;
    at += 1;
    rest = Math.floor(rest / 128);
  }
  buffer[at] = rest;
  return at + 1;
}

/** int16 length and UTF-8 bytes. */
export function putClassicString(scratch: Scratch, at: number, value: string): number {
  const room = 2 + value.length * 3;
  const buffer = scratch.buffer.length - at < room ? scratch.grow(at, room) : scratch.buffer;
  const end = putText(buffer, at + 2, value);
  const size = end - at - 2;
  if (size > wireLimits.stringBytesMax) {
    throw new RangeError(`a string of ${size} bytes is too long`);
  }
  buffer[at] = size >> 8;
  buffer[at + 1] = size;
  return end;
}

/** Varint of length + 1, and UTF-8 bytes. */
export function putCompactString(scratch: Scratch, at: number, value: string): number {
  const room = 5 + value.length * 3;
  const buffer = scratch.buffer.length - at < room ? scratch.grow(at, room) : scratch.buffer;
  // With so few characters the length takes one byte, whatever the characters are.
  if (value.length * 3 < 0x7f) {
    const end = putText(buffer, at + 1, value);
    buffer[at] = end - at;
    return end;
  }
  return putText(buffer, putVarint(buffer, at, Buffer.byteLength(value) + 1), value);
}

function putText(buffer: Buffer, at: number, value: string): number {
  const length = value.length;
  if (length > loopCharactersMax) return at + buffer.write(value, at, 'utf8');
  for (let index = 0; index < length; index += 1) {
    const character = value.charCodeAt(index);
    if (character > 0x7f) return at + buffer.write(value, at, 'utf8');
    buffer[at + index] = character;
  }
  return at + length;
}

/** How many bytes a value of bytes or records has: one buffer, or several one after the other. */
export function sizeOf(value: Buffer | readonly Buffer[]): number {
  if (value instanceof Uint8Array) return value.length;
  let size = 0;
  for (const chunk of value) size += chunk.length;
  return size;
}

/** The bytes without their length. Large ones are referred to instead of copied. */
export function putBytes(scratch: Scratch, at: number, value: Buffer | readonly Buffer[]): number {
  if (value instanceof Uint8Array) return putChunk(scratch, at, value);
  for (const chunk of value) at = putChunk(scratch, at, chunk);
  return at;
}

function putChunk(scratch: Scratch, at: number, chunk: Buffer): number {
  const size = chunk.length;
  if (size >= wireLimits.referenceBytesMin) {
    scratch.refer(at, chunk);
    return at;
  }
  const buffer = scratch.buffer.length - at < size ? scratch.grow(at, size) : scratch.buffer;
  buffer.set(chunk, at);
  return at + size;
}

/** Puts the length of a tag's value, which lies from `from` to `at`, in front of it. */
export function putTagSize(scratch: Scratch, from: number, at: number): number {
  const room = 5;
  const buffer = scratch.buffer.length - at < room ? scratch.grow(at, room) : scratch.buffer;
  const size = at - from;
  // One byte was left free for the length, which is nearly always enough.
  const extra =
    size < 0x80 ? 0 : size < 0x4000 ? 1 : size < 0x20_0000 ? 2 : size < 0x1000_0000 ? 3 : 4;
  if (extra > 0) buffer.copyWithin(from + extra, from, at);
  putVarint(buffer, from - 1, size);
  return at + extra;
}

export const emptyBuffer = Buffer.alloc(0);
