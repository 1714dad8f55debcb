import { compressionOf, logAppendTimeBit } from './attributes';
import { crc32cBetween } from './crc32c';
import { RecordsError } from './errors';
import { batchHeaderBytes, batchSizeAt, field, type BatchHeader } from './header';
import { writeInt64 } from './integers';
import { maxTimestampRecord } from './search';

/** A longer time difference is beyond 2^53. */
const twoTo49 = 2 ** 49;

/**
 * Gives a stored batch its place in the log, in place. Both fields lie before what the CRC covers.
 * @throws RecordsError `corrupt` when fewer than 61 bytes are left.
 */
export function stampBatch(
  buffer: Buffer,
  at: number,
  baseOffset: number,
  leaderEpoch: number,
): void {
  if (at < 0 || buffer.length - at < batchHeaderBytes) {
    throw new RecordsError('corrupt', `no room for a batch at byte ${at} of ${buffer.length}`);
  }
  writeInt64(buffer, baseOffset, at + field.baseOffset);
  buffer.writeInt32BE(leaderEpoch, at + field.partitionLeaderEpoch);
}

/**
 * Makes all records of a batch carry the time of its append (KIP-32): sets the attribute and the
 * maximum timestamp, and computes the CRC anew, in place.
 * @throws RecordsError `corrupt` when the buffer does not hold the whole batch.
 */
export function stampLogAppendTime(buffer: Buffer, at: number, timestampMs: number): void {
  const size = batchSizeAt(buffer, at);
  if (size < batchHeaderBytes || size > buffer.length - at) {
    throw new RecordsError('corrupt', `batch of ${size} bytes at byte ${at} of ${buffer.length}`);
  }
  const attributesLow = at + field.attributes + 1;
  buffer[attributesLow] = buffer[attributesLow]! | logAppendTimeBit;
  writeInt64(buffer, timestampMs, at + field.maxTimestamp);
  const crc = crc32cBetween(buffer, at + field.attributes, at + size);
  buffer.writeUInt32BE(crc, at + field.crc);
}

/**
 * Sees to it that the header of a checked batch has the largest time of its records, as Kafka does
 * it: some clients (kafkajs 2.2) write the last record's there. Changes the batch in place and
 * returns that time. Compressed records are looked at only where the header contradicts itself, and
 * what cannot be read is left as it is.
 */
export function mendMaxTimestamp(batch: Buffer, header: BatchHeader): number {
  const { baseTimestampMs, maxTimestampMs } = header;
  const plain = compressionOf(header.attributes) === 'none';
  if (!plain && baseTimestampMs <= maxTimestampMs) return maxTimestampMs;
  const largest = plain ? largestTimestamp(batch, header) : largestPacked(batch);
  if (largest === null || largest <= maxTimestampMs) return maxTimestampMs;
  if (!Number.isSafeInteger(largest)) return maxTimestampMs;
  writeInt64(batch, largest, field.maxTimestamp);
  batch.writeUInt32BE(crc32cBetween(batch, field.attributes, batch.length), field.crc);
  return largest;
}

function largestPacked(batch: Buffer): number | null {
  try {
    return maxTimestampRecord(batch).timestampMs;
  } catch (error) {
    if (error instanceof RecordsError) return null;
    throw error;
  }
}

/**
 * By hand, because each batch that is produced passes here: null when the records are not what they
 * should be.
 */
function largestTimestamp(batch: Buffer, header: BatchHeader): number | null {
  const end = batch.length;
  let largestDelta = -Infinity;
  let at = batchHeaderBytes;
  for (let left = header.recordCount; left > 0; left--) {
    let bytes = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= end || shift > 28) return null;
      const byte = batch[at++]!;
      bytes |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    // A negative length, which is odd before its sign is taken out, is as wrong as one too large.
    const next = at + (bytes >>> 1);
    if ((bytes & 1) === 1 || next > end) return null;
    // Behind the record's attributes: how much later it is than the first.
    let zigzag = 0;
    let factor = 1;
    for (at++; ; factor *= 0x80) {
      if (at >= next || factor > twoTo49) return null;
      const byte = batch[at++]!;
      zigzag += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    const delta = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    if (delta > largestDelta) largestDelta = delta;
    at = next;
  }
  return header.baseTimestampMs + largestDelta;
}
