import { gunzipSync, gzipSync } from 'node:zlib';
import { requireWithin } from './bounds';
import type { Codec } from './codec';

const chunkBytesMin = 16 * 1024;
const chunkBytesMax = 1024 * 1024;

/**
 * gzip (RFC 1952). Levels 1 to 9. zlib counts as it inflates, and stops one chunk past the limit at
 * the latest.
 */
export const gzip: Codec = {
  compress: (plain, level) => gzipSync(plain, { level }),

  decompress(packed, bytesMax) {
    // Chunks of about the result's size spare a copy; JSON shrinks to roughly a quarter.
    const chunkSize = Math.min(Math.max(packed.length * 4, chunkBytesMin), chunkBytesMax);
    const plain = inflate(packed, chunkSize, bytesMax);
    requireWithin(plain.length, bytesMax);
    return plain;
  },
};

function inflate(packed: Buffer, chunkSize: number, bytesMax: number): Buffer {
  try {
    // zlib knows no limit of 0.
    return gunzipSync(packed, { chunkSize, maxOutputLength: Math.max(bytesMax, 1) });
  } catch (error) {
    if (isOverLimit(error)) requireWithin(Infinity, bytesMax);
    throw error;
  }
}

function isOverLimit(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return error.code === 'ERR_BUFFER_TOO_LARGE';
}
