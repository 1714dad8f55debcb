import { malformed, requireWithin } from './bounds';

/** The outline of an lz4 frame, read without decompressing or keeping anything. */
export interface Lz4Frame {
  /** Bytes of the frame itself. */
  bytes: number;
  /** The size the frame says it decompresses to, where it says so. */
  contentBytes: number | null;
  /** More than this cannot come out, whatever the blocks hold. */
  plainBytesMax: number;
}

/** Called with the bytes of each block. */
type BlockVisitor = (start: number, end: number, compressed: boolean) => void;

const magic = 0x184d2204;
/** A byte of a block adds at most 255 to the length of a match. */
const expansionMax = 255;

/**
 * Reads the outline of an lz4 frame (LZ4 frame format 1.6), and shows its blocks to `visit`.
 * @throws RecordsError `corrupt` when it is cut off or breaks the format.
 */
export function readLz4Frame(packed: Buffer, visit?: BlockVisitor): Lz4Frame {
  if (packed.length < 7 || packed.readUInt32LE(0) !== magic) throw malformed('lz4', 'no frame');
  const flags = packed[4]!;
  if (flags >> 6 !== 1) throw malformed('lz4', 'unknown version');
  const blockBytesMax = blockBytesOf(packed[5]!);
  const hasContentBytes = (flags & 0b1000) !== 0;
  const hasDictionary = (flags & 0b1) !== 0;
  const trailerBytes = (flags & 0b100) === 0 ? 0 : 4;
  const blockTrailerBytes = (flags & 0b1_0000) === 0 ? 0 : 4;
  let at = 7 + (hasContentBytes ? 8 : 0) + (hasDictionary ? 4 : 0);
  if (at > packed.length) throw malformed('lz4', 'short header');
  const contentBytes = hasContentBytes ? Number(packed.readBigUInt64LE(6)) : null;

  let plainBytesMax = 0;
  for (;;) {
    if (packed.length - at < 4) throw malformed('lz4', 'no end mark');
    const word = packed.readUInt32LE(at);
    at += 4;
    if (word === 0) break;
    const compressed = word < 0x8000_0000;
    const bytes = word & 0x7fff_ffff;
    if (bytes > packed.length - at || bytes > blockBytesMax) throw malformed('lz4', 'bad block');
    visit?.(at, at + bytes, compressed);
    plainBytesMax += compressed ? Math.min(blockBytesMax, bytes * expansionMax) : bytes;
    at += bytes + blockTrailerBytes;
  }
  at += trailerBytes;
  if (at > packed.length) throw malformed('lz4', 'no checksum');
  if (contentBytes !== null && contentBytes > plainBytesMax) throw malformed('lz4', 'bad size');
  return { bytes: at, contentBytes, plainBytesMax };
}

function blockBytesOf(descriptor: number): number {
  const code = (descriptor >> 4) & 0b111;
  if (code < 4) throw malformed('lz4', 'unknown block size');
  return 2 ** (8 + 2 * code);
}

/**
 * Counts what a frame really decompresses to, by adding up the lengths of its literals and matches.
 * @throws RecordsError `too-large` as soon as that is more than `bytesMax`, `corrupt` when a
 * sequence is cut off.
 */
export function countLz4Bytes(packed: Buffer, bytesMax: number): number {
  let total = 0;
  readLz4Frame(packed, (start, end, compressed) => {
    total += compressed ? countBlockBytes(packed, start, end) : end - start;
    requireWithin(total, bytesMax);
  });
  return total;
}

function countBlockBytes(packed: Buffer, start: number, end: number): number {
  let total = 0;
  let at = start;
  const readLength = (nibble: number): number => {
    let length = nibble;
    for (let more = nibble === 15; more;) {
      if (at >= end) throw malformed('lz4', 'bytes end inside a length');
      const byte = packed[at++]!;
      length += byte;
      more = byte === 255;
    }
    return length;
  };
  while (at < end) {
    const token = packed[at++]!;
    const literals = readLength(token >> 4);
    at += literals;
    total += literals;
    if (at > end) throw malformed('lz4', 'literals are cut off');
    // The last sequence has no match.
    if (at === end) break;
    at += 2;
    total += readLength(token & 0b1111) + 4;
  }
  return total;
}
