import { compressSync, uncompressSync } from 'snappy';
import { limits } from '../limits';
import { malformed, requireWithin } from './bounds';
import type { Codec } from './codec';

/*
 * Java clients frame snappy as the xerial library does: a header of 16 bytes (magic, version,
 * oldest reader's version), then chunks, each an int32 length and that many bytes of raw snappy.
 * Other clients send raw snappy.
 */

const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const frameHeader = Buffer.concat([magic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);

/**
 * No element of the raw format makes more of a byte than a copy with a two-byte offset: 64 bytes of
 * three.
 */
const expansionMax = 22;

/** snappy, written with xerial framing, read with it or without. No levels. */
export const snappy: Codec = {
  compress(plain) {
    const parts: Buffer[] = [frameHeader];
    for (let at = 0; at < plain.length; at += limits.snappyChunkBytes) {
      const chunk = compressSync(plain.subarray(at, at + limits.snappyChunkBytes));
      const length = Buffer.allocUnsafe(4);
      length.writeInt32BE(chunk.length);
      parts.push(length, chunk);
    }
    return Buffer.concat(parts);
  },

  decompress(packed, bytesMax) {
    if (!magic.equals(packed.subarray(0, magic.length))) {
      requireWithin(plainBytes(packed), bytesMax);
      return uncompress(packed);
    }
    let total = 0;
    forEachChunk(packed, (chunk) => {
      total += plainBytes(chunk);
      requireWithin(total, bytesMax);
    });
    const plain = Buffer.allocUnsafe(total);
    let at = 0;
    forEachChunk(packed, (chunk) => {
      at += uncompress(chunk).copy(plain, at);
    });
    if (at !== total) throw malformed('snappy', 'a chunk is shorter than it says');
    return plain;
  },
};

function uncompress(raw: Buffer): Buffer {
  // Memory of V8's own costs a copy, and less than half the time: what native code has allocated is
  // slow to give back.
  const plain = uncompressSync(raw, { asBuffer: true, copyOutputData: true });
  if (typeof plain === 'string') throw malformed('snappy', 'text in place of bytes');
  return plain;
}

/**
 * Calls `visit` with the raw snappy of each chunk, and keeps none: a hostile frame may have very
 * many.
 */
function forEachChunk(packed: Buffer, visit: (chunk: Buffer) => void): void {
  let at = frameHeader.length;
  if (packed.length < at) throw malformed('snappy', 'short header');
  while (at < packed.length) {
    if (packed.length - at < 4) throw malformed('snappy', 'bytes end inside a length');
    const bytes = packed.readInt32BE(at);
    at += 4;
    if (bytes < 0 || bytes > packed.length - at) throw malformed('snappy', 'a chunk is cut off');
    visit(packed.subarray(at, at + bytes));
    at += bytes;
  }
}

/** What raw snappy says it decompresses to; refused when so few bytes cannot make that much. */
function plainBytes(raw: Buffer): number {
  let bytes = 0;
  for (let at = 0; at < 5; at++) {
    const byte = raw[at];
    if (byte === undefined) break;
    bytes += (byte & 0x7f) * 2 ** (7 * at);
    if (byte > 0x7f) continue;
    if (bytes > raw.length * expansionMax) break;
    return bytes;
  }
  throw malformed('snappy', 'impossible length');
}
