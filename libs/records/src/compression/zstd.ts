import {
  _NapiBindings as bindings,
  compress as zstdCompress,
  decompress as zstdDecompress,
} from '@cloudpss/zstd/napi';
import { limits } from '../limits';
import { requireWithin } from './bounds';
import type { Codec } from './codec';
import { readZstdFrames } from './zstd-frame';

/*
 * The package's main entry awaits at its top level, so CommonJS cannot require it; `/napi` can be.
 * Its public streams are asynchronous, hence the binding below them for the one case that needs a
 * stream.
 */

/** zstd (RFC 8878). Levels 1 to 22 and the negative ones. */
export const zstd: Codec = {
  compress: (plain, level) => view(zstdCompress(plain, level)),

  decompress(packed, bytesMax) {
    const frames = readZstdFrames(packed);
    requireWithin(frames.contentBytes, bytesMax);
    // The one-shot call allocates what the frames could hold at most, so this is what must be
    // within the limit.
    if (frames.plainBytesMax <= bytesMax) return view(zstdDecompress(packed));
    return decompressInPieces(packed, bytesMax);
  },
};

/**
 * For frames that do not say their size and have many blocks that may be nearly empty, as a client
 * makes that flushes after every record. Pieces end where blocks do, so each adds a known number of
 * bytes at most.
 */
function decompressInPieces(packed: Buffer, bytesMax: number): Buffer {
  const stream = new bindings.Decompressor();
  const parts: Buffer[] = [];
  let total = 0;
  const feed = (piece: Buffer): void => {
    stream.data(piece, (part) => {
      parts.push(part);
      total += part.length;
    });
    requireWithin(total, bytesMax);
  };
  let pieceStart = 0;
  let pieceBytes = 0;
  readZstdFrames(packed, (start, plainBytesMax) => {
    if (pieceBytes + plainBytesMax > limits.zstdPieceBytesMax) {
      feed(packed.subarray(pieceStart, start));
      pieceStart = start;
      pieceBytes = 0;
    }
    pieceBytes += plainBytesMax;
  });
  feed(packed.subarray(pieceStart));
  // The walk has shown that the last frame is complete, and zstd holds nothing back of such a
  // frame.
  return Buffer.concat(parts, total);
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
