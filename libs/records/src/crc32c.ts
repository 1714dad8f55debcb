import { crc32c as nativeCrc32c } from '@node-rs/crc32';

/**
 * Below this the call into native code costs more than the sum itself (measured: they meet at 300
 * to 450 bytes).
 */
const nativeFromBytes = 384;
const castagnoliReversed = 0x82f63b78;
const lanes = 8;

/**
 * Row `n` of 256 holds the CRC of a byte followed by `n` zero bytes, so that eight bytes are folded
 * in one step.
 */
const table = buildTable();

function buildTable(): Int32Array {
  const rows = new Int32Array(256 * lanes);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ castagnoliReversed : crc >>> 1;
    }
    rows[byte] = crc;
  }
  for (let at = 256; at < rows.length; at++) {
    const shorter = rows[at - 256]!;
    rows[at] = (shorter >>> 8) ^ rows[shorter & 0xff]!;
  }
  return rows;
}

/** CRC-32C (Castagnoli), unsigned. */
export function crc32c(buffer: Buffer): number {
  return crc32cBetween(buffer, 0, buffer.length);
}

/** CRC-32C of the bytes from `start` to before `end`; makes no view of them when they are few. */
export function crc32cBetween(buffer: Buffer, start: number, end: number): number {
  if (end - start >= nativeFromBytes) return nativeCrc32c(buffer.subarray(start, end));
  let crc = -1;
  let at = start;
  for (; at + lanes <= end; at += lanes) {
    crc ^= buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
    crc =
      table[1792 + (crc & 0xff)]! ^
      table[1536 + ((crc >>> 8) & 0xff)]! ^
      table[1280 + ((crc >>> 16) & 0xff)]! ^
      table[1024 + (crc >>> 24)]! ^
      table[768 + buffer[at + 4]!]! ^
      table[512 + buffer[at + 5]!]! ^
      table[256 + buffer[at + 6]!]! ^
      table[buffer[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ table[(crc ^ buffer[at]!) & 0xff]!;
  return ~crc >>> 0;
}
