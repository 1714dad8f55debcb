import type { CompressionName } from '../attributes';
import { RecordsError } from '../errors';
import type { Codec } from './codec';
import { gzip } from './gzip';
import { lz4 } from './lz4';
import { snappy } from './snappy';
import { zstd } from './zstd';

const none: Codec = { compress: (plain) => plain, decompress: (packed) => packed };

const codecs: Record<CompressionName, Codec> = { none, gzip, snappy, lz4, zstd };

/** Compresses the records of a batch. Uncompressed ones come back as they are, not copied. */
export function compress(name: CompressionName, plain: Buffer, level?: number): Buffer {
  return codecs[name].compress(plain, level);
}

/**
 * Decompresses the records of a batch.
 * @throws RecordsError `too-large` when they are more than `bytesMax` bytes, `corrupt` when they do
 * not decompress.
 */
export function decompress(name: CompressionName, packed: Buffer, bytesMax: number): Buffer {
  try {
    return codecs[name].decompress(packed, bytesMax);
  } catch (error) {
    if (error instanceof RecordsError) throw error;
    throw new RecordsError('corrupt', `the records do not decompress as ${name}`, { cause: error });
  }
}
