import {
  compressionCode,
  controlBit,
  logAppendTimeBit,
  transactionalBit,
  type CompressionName,
} from './attributes';
import { compress } from './compression/codecs';
import { crc32cBetween } from './crc32c';
import { RecordsError } from './errors';
import { batchHeaderBytes, field, lengthPrefixBytes, magicV2 } from './header';
import { writeInt64 } from './integers';
import { limits } from './limits';
import { varintBytes, writeVarint } from './varint';

/** A record to encode. A missing key or value is null, which is not the same as an empty one. */
export interface RecordInput {
  key?: Buffer | null;
  value?: Buffer | null;
  headers?: readonly { key: string; value: Buffer | null }[];
  timestampMs: number;
}

/**
 * A batch to encode. What is left out gets Kafka's value for "none": -1, no compression, no bits.
 */
export interface BatchOptions {
  records: readonly RecordInput[];
  compression?: CompressionName;
  /** What the codec makes of it; lz4 and snappy ignore it. */
  compressionLevel?: number;
  baseOffset?: number;
  partitionLeaderEpoch?: number;
  producerId?: number;
  producerEpoch?: number;
  baseSequence?: number;
  transactional?: boolean;
  control?: boolean;
  /**
   * Marks the batch's maximum timestamp as the time of its append, which then holds for all its
   * records.
   */
  logAppendTime?: boolean;
}

/** About what a record takes in a batch beside its bytes; each of its numbers at its longest. */
const recordOverheadBytes = 40;
const headerOverheadBytes = 10;

/** About how many bytes a record takes in a batch that is not compressed, at most. */
export function recordBytesMost({
  key,
  value,
  headers,
}: Pick<RecordInput, 'key' | 'value' | 'headers'>): number {
  let bytes = recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers ?? []) {
    bytes += headerOverheadBytes + Buffer.byteLength(header.key) + (header.value?.length ?? 0);
  }
  return bytes;
}

/**
 * Encodes records as one batch v2, with consecutive offsets from `baseOffset`.
 * @throws RecordsError `invalid-record` when there is no record or a time is no safe integer,
 * `too-large` beyond 2 GiB.
 */
export function encodeBatch(options: BatchOptions): Buffer {
  const { records, compression = 'none' } = options;
  const first = records[0];
  if (first === undefined) throw new RecordsError('invalid-record', 'a batch needs a record');
  const lengths = measure(records, first.timestampMs);
  const bodyBytes = lengths.reduce((sum, length) => sum + varintBytes(length) + length, 0);
  requireBatchSize(bodyBytes);

  const plain = Buffer.allocUnsafe(batchHeaderBytes + bodyBytes);
  let at = batchHeaderBytes;
  records.forEach((record, index) => {
    at = writeVarint(plain, lengths[index]!, at);
    at = writeRecord(plain, at, record, index, first.timestampMs);
  });
  let batch = plain;
  if (compression !== 'none') {
    const body = compress(compression, plain.subarray(batchHeaderBytes), options.compressionLevel);
    requireBatchSize(body.length);
    batch = Buffer.concat([plain.subarray(0, batchHeaderBytes), body]);
  }
  writeHeader(batch, options, first.timestampMs);
  sealBatch(batch);
  return batch;
}

/** Writes the length and the CRC of a finished batch that fills its buffer. */
export function sealBatch(batch: Buffer): void {
  requireBatchSize(batch.length);
  batch.writeInt32BE(batch.length - lengthPrefixBytes, field.batchLength);
  batch.writeUInt32BE(crc32cBetween(batch, field.attributes, batch.length), field.crc);
}

function requireBatchSize(bytes: number): void {
  if (bytes > limits.batchBytesMax - batchHeaderBytes) {
    throw new RecordsError('too-large', `a batch cannot hold ${bytes} bytes`);
  }
}

/** The length that each record states, in bytes: all of it but that length itself. */
function measure(records: readonly RecordInput[], baseTimestampMs: number): number[] {
  return records.map((record, index) => {
    const deltaMs = record.timestampMs - baseTimestampMs;
    if (!Number.isSafeInteger(record.timestampMs) || !Number.isSafeInteger(deltaMs)) {
      throw new RecordsError(
        'invalid-record',
        `timestamp ${record.timestampMs} is no safe integer`,
      );
    }
    const { headers = [] } = record;
    let bytes = 1 + varintBytes(deltaMs) + varintBytes(index) + varintBytes(headers.length);
    bytes += fieldBytes(record.key) + fieldBytes(record.value);
    for (const { key, value } of headers) {
      const keyBytes = Buffer.byteLength(key);
      bytes += varintBytes(keyBytes) + keyBytes + fieldBytes(value);
    }
    return bytes;
  });
}

function fieldBytes(bytes: Buffer | null | undefined): number {
  return bytes ? varintBytes(bytes.length) + bytes.length : 1;
}

function writeRecord(
  batch: Buffer,
  start: number,
  record: RecordInput,
  index: number,
  baseTimestampMs: number,
): number {
  const { headers = [] } = record;
  let at = start;
  batch[at++] = 0;
  at = writeVarint(batch, record.timestampMs - baseTimestampMs, at);
  at = writeVarint(batch, index, at);
  at = writeField(batch, record.key, at);
  at = writeField(batch, record.value, at);
  at = writeVarint(batch, headers.length, at);
  for (const { key, value } of headers) {
    at = writeVarint(batch, Buffer.byteLength(key), at);
    at += batch.write(key, at, 'utf8');
    at = writeField(batch, value, at);
  }
  return at;
}

function writeField(batch: Buffer, bytes: Buffer | null | undefined, at: number): number {
  if (!bytes) return writeVarint(batch, -1, at);
  const next = writeVarint(batch, bytes.length, at);
  bytes.copy(batch, next);
  return next + bytes.length;
}

function writeHeader(batch: Buffer, options: BatchOptions, baseTimestampMs: number): void {
  const { records } = options;
  const attributes =
    compressionCode(options.compression ?? 'none') |
    (options.logAppendTime ? logAppendTimeBit : 0) |
    (options.transactional ? transactionalBit : 0) |
    (options.control ? controlBit : 0);
  let maxTimestampMs = baseTimestampMs;
  for (const record of records) maxTimestampMs = Math.max(maxTimestampMs, record.timestampMs);
  writeInt64(batch, options.baseOffset ?? 0, field.baseOffset);
  batch.writeInt32BE(options.partitionLeaderEpoch ?? -1, field.partitionLeaderEpoch);
  batch[field.magic] = magicV2;
  batch.writeInt16BE(attributes, field.attributes);
  batch.writeInt32BE(records.length - 1, field.lastOffsetDelta);
  writeInt64(batch, baseTimestampMs, field.baseTimestamp);
  writeInt64(batch, maxTimestampMs, field.maxTimestamp);
  writeInt64(batch, options.producerId ?? -1, field.producerId);
  batch.writeInt16BE(options.producerEpoch ?? -1, field.producerEpoch);
  batch.writeInt32BE(options.baseSequence ?? -1, field.baseSequence);
  batch.writeInt32BE(records.length, field.recordCount);
}
