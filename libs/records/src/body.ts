import { compressionOf } from './attributes';
import { decompress } from './compression/codecs';
import { RecordsError } from './errors';
import { batchHeaderBytes, type BatchHeader } from './header';
import { limits } from './limits';

/** How far a batch may be opened. */
export interface DecodeOptions {
  /** What the records may decompress to, in bytes. Default: 64 MiB. */
  decompressedBytesMax?: number;
}

/** The smallest record: seven numbers of one byte each. */
const recordBytesMin = 7;

/**
 * The records of a checked batch, bare, one after the other: a view of the batch when it is not
 * compressed. What follows can rely on `header.recordCount` being no more than the bytes could
 * hold.
 * @throws RecordsError `corrupt`, `unsupported-compression`, `too-large`, `invalid-record`.
 */
export function openBody(batch: Buffer, header: BatchHeader, options: DecodeOptions = {}): Buffer {
  const bytesMax = options.decompressedBytesMax ?? limits.decompressedBytesMax;
  const packed = batch.subarray(batchHeaderBytes);
  const name = compressionOf(header.attributes);
  // A batch whose records have all been compacted away has nothing to decompress, not even an empty
  // stream.
  const body = packed.length === 0 ? packed : decompress(name, packed, bytesMax);
  const { recordCount } = header;
  if (recordCount < 0 || recordCount * recordBytesMin > body.length) {
    throw new RecordsError('invalid-record', `${recordCount} records in ${body.length} bytes`);
  }
  return body;
}
