import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { requireWithin } from './bounds';
import type { Codec } from './codec';
import { countLz4Bytes, readLz4Frame } from './lz4-frame';

/**
 * lz4 in its frame format, with independent blocks, the only kind Java clients read. No levels.
 * Like theirs, our reader ends with the first frame.
 */
export const lz4: Codec = {
  compress: (plain) => compressFrameSync(plain),

  decompress(packed, bytesMax) {
    const frame = readLz4Frame(packed);
    requireWithin(frame.contentBytes ?? 0, bytesMax);
    // Most frames cannot pass the limit even if all blocks are full, so counting is for the few
    // that could.
    if (frame.plainBytesMax > bytesMax) countLz4Bytes(packed, bytesMax);
    return decompressFrameSync(packed.subarray(0, frame.bytes));
  },
};
