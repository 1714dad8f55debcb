import { RecordsError } from './errors';
import { readInt16, readInt32, readInt64 } from './integers';

/** Bytes of a record batch v2 before its records. */
export const batchHeaderBytes = 61;

/** Bytes of a batch that its own length field does not count: the base offset and the length. */
export const lengthPrefixBytes = 12;

/** The one message format that Kafka 4 still takes from producers (KIP-724). */
export const magicV2 = 2;

/** Where each field of the header lies. */
export const field = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

/**
 * The header of a record batch v2. Times are milliseconds since 1970; the CRC is unsigned; -1
 * stands for "none".
 */
export interface BatchHeader {
  baseOffset: number;
  batchLength: number;
  partitionLeaderEpoch: number;
  magic: number;
  crc: number;
  attributes: number;
  lastOffsetDelta: number;
  baseTimestampMs: number;
  maxTimestampMs: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  recordCount: number;
}

/**
 * Bytes of the whole batch that starts at `at`, as its own length field has it. It may be negative
 * or larger than the buffer: nothing is checked but that the field is there.
 * @throws RecordsError `corrupt` when fewer than 12 bytes are left.
 */
export function batchSizeAt(buffer: Buffer, at: number): number {
  if (at < 0 || buffer.length - at < lengthPrefixBytes) {
    throw new RecordsError('corrupt', `no room for a batch at byte ${at} of ${buffer.length}`);
  }
  return lengthPrefixBytes + readInt32(buffer, at + field.batchLength);
}

/**
 * Reads the header of the batch that starts at `at`. Neither magic nor CRC is checked.
 * @throws RecordsError `corrupt` when fewer than 61 bytes are left, `invalid-record` when an offset
 * or a producer id is beyond 2^53, `invalid-timestamp` when a time is.
 */
export function readBatchHeader(buffer: Buffer, at = 0): BatchHeader {
  if (at < 0 || buffer.length - at < batchHeaderBytes) {
    throw new RecordsError('corrupt', `no room for a batch at byte ${at} of ${buffer.length}`);
  }
  return {
    baseOffset: readInt64(buffer, at + field.baseOffset),
    batchLength: readInt32(buffer, at + field.batchLength),
    partitionLeaderEpoch: readInt32(buffer, at + field.partitionLeaderEpoch),
    magic: (buffer[at + field.magic]! << 24) >> 24,
    crc: readInt32(buffer, at + field.crc) >>> 0,
    attributes: readInt16(buffer, at + field.attributes),
    lastOffsetDelta: readInt32(buffer, at + field.lastOffsetDelta),
    baseTimestampMs: readInt64(buffer, at + field.baseTimestamp, 'invalid-timestamp'),
    maxTimestampMs: readInt64(buffer, at + field.maxTimestamp, 'invalid-timestamp'),
    producerId: readInt64(buffer, at + field.producerId),
    producerEpoch: readInt16(buffer, at + field.producerEpoch),
    baseSequence: readInt32(buffer, at + field.baseSequence),
    recordCount: readInt32(buffer, at + field.recordCount),
  };
}
