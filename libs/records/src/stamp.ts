import { logAppendTimeBit } from './attributes';
import { crc32cBetween } from './crc32c';
import { RecordsError } from './errors';
import { batchHeaderBytes, batchSizeAt, field } from './header';
import { writeInt64 } from './integers';

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
