import {
  compressionCode,
  compressionMask,
  compressionOf,
  type CompressionName,
} from './attributes';
import { openBody, type DecodeOptions } from './body';
import { checkWholeBatch } from './check';
import { compress } from './compression/codecs';
import { sealBatch } from './encode';
import { batchHeaderBytes, field } from './header';

export interface RecompressOptions extends DecodeOptions {
  /** What the codec makes of it; lz4 and snappy ignore it. */
  compressionLevel?: number;
}

/**
 * Compresses a batch another way, for topics whose `compression.type` is not `producer`. All of the
 * header stays but compression, length and CRC. A batch that already is compressed so comes back as
 * it is, the same buffer.
 * @throws RecordsError as decodeBatch does, though single records are not looked at.
 */
export function recompressBatch(
  batch: Buffer,
  compression: CompressionName,
  options: RecompressOptions = {},
): Buffer {
  const header = checkWholeBatch(batch);
  if (compressionOf(header.attributes) === compression) return batch;
  const body = openBody(batch, header, options);
  const packed = compress(compression, body, options.compressionLevel);
  const result = Buffer.concat([batch.subarray(0, batchHeaderBytes), packed]);
  const attributes = (header.attributes & ~compressionMask) | compressionCode(compression);
  result.writeInt16BE(attributes, field.attributes);
  sealBatch(result);
  return result;
}
