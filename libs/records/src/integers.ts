import { RecordsError, type RecordsErrorCode } from './errors';

/*
 * Buffer's own readers check bounds and types on each call. Here the caller has checked the bounds
 * once for the whole header; ten fields read this way take about a fifth of the time.
 */

const twoTo32 = 0x1_0000_0000;

/** Reads a signed 16-bit big-endian integer. The caller has checked the bounds. */
export function readInt16(buffer: Buffer, at: number): number {
  return (((buffer[at]! << 8) | buffer[at + 1]!) << 16) >> 16;
}

/** Reads a signed 32-bit big-endian integer. The caller has checked the bounds. */
export function readInt32(buffer: Buffer, at: number): number {
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
}

/**
 * Reads a signed 64-bit big-endian integer as a number. The caller has checked the bounds.
 * @throws RecordsError of the given code when a number cannot hold it exactly.
 */
export function readInt64(
  buffer: Buffer,
  at: number,
  code: RecordsErrorCode = 'invalid-record',
): number {
  const value = readInt32(buffer, at) * twoTo32 + (readInt32(buffer, at + 4) >>> 0);
  if (!Number.isSafeInteger(value)) {
    throw new RecordsError(code, `64-bit field at byte ${at} is beyond 2^53`);
  }
  return value;
}

/** Writes a safe integer as 64 bits, big-endian. */
export function writeInt64(buffer: Buffer, value: number, at: number): void {
  buffer.writeInt32BE(Math.floor(value / twoTo32), at);
  // `>>> 0` takes the value modulo 2^32, which is the low word of its two's complement.
  buffer.writeUInt32BE(value >>> 0, at + 4);
}
