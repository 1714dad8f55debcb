import { MalformedError } from './malformed-error';

export { text } from './text';
export { readUuid as uuid } from './uuid';

/** Where reading goes on after a helper that consumes a variable number of bytes. */
export const cursor = { at: 0 };

export function fail(what: string): never {
  throw new MalformedError(what);
}

/**
 * A big-endian int64 as a number; beyond ±Number.MAX_SAFE_INTEGER it saturates. The bytes must be
 * there.
 */
export function int64(frame: Buffer, at: number): number {
  const high = (frame[at]! << 24) | (frame[at + 1]! << 16) | (frame[at + 2]! << 8) | frame[at + 3]!;
  const low =
    ((frame[at + 4]! << 24) | (frame[at + 5]! << 16) | (frame[at + 6]! << 8) | frame[at + 7]!) >>>
    0;
  if (high >= -0x20_0000 && high <= 0x1f_ffff) {
    return Math.max(high * 0x1_0000_0000 + low, Number.MIN_SAFE_INTEGER);
  }
  return high < 0 ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
}

/** An unsigned varint of at most 32 bits; leaves the position behind it in `cursor.at`. */
export function varint(frame: Buffer, at: number, what: string): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = frame[at];
    if (byte === undefined) return fail(`${what}: the bytes end within a length`);
    at += 1;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) {
      if (value > 0xffff_ffff) return fail(`${what}: a length over 32 bits`);
      cursor.at = at;
      return value;
    }
  }
  return fail(`${what}: a length over 32 bits`);
}

/** Steps over a tag buffer without looking into it; returns the position behind it. */
export function skipTags(frame: Buffer, at: number, what: string): number {
  const count = varint(frame, at, what);
  for (let index = 0; index < count; index += 1) {
    varint(frame, cursor.at, what);
    const size = varint(frame, cursor.at, what);
    if (size > frame.length - cursor.at) fail(`${what}: a tag of ${size} bytes does not fit`);
    cursor.at += size;
  }
  return cursor.at;
}

/**
 * A copy in memory of its own: what is kept (a member's metadata) must not keep a whole socket
 * chunk.
 */
export function copy(frame: Buffer, from: number, to: number): Buffer {
  return Buffer.from(frame.subarray(from, to));
}

export const emptyBuffer = Buffer.alloc(0);
