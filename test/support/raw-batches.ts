import { compressSync } from 'snappy';
import { crc32c, encodeBatch } from '@sluice/records';
import { compress } from '../../libs/records/src/compression/codecs';
import { compressionCode, type CompressionName } from '../../libs/records/src/attributes';
import { batchHeaderBytes, field } from '../../libs/records/src/header';
import { writeVarint } from '../../libs/records/src/varint';

/** How a client may compress: snappy comes framed as Java has it, and raw. */
export type Packing = CompressionName | 'snappy-raw';

export const packings: readonly Packing[] = ['none', 'gzip', 'snappy', 'snappy-raw', 'lz4', 'zstd'];

/** Compresses as a client would. */
export function pack(packing: Packing, plain: Buffer): Buffer {
  return packing === 'snappy-raw' ? compressSync(plain) : compress(packing, plain);
}

/** A varint of any 64 bits, so that it may be one that no client writes. */
export function varint(value: number | bigint): Buffer {
  if (typeof value === 'number') {
    const room = Buffer.alloc(10);
    return room.subarray(0, writeVarint(room, value, 0));
  }
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

/** A record of which everything may be wrong; what is left out is right for its place. */
export interface RawRecord {
  /** Added to the length that the record really has. */
  lengthOff?: number;
  timestampDelta?: number | bigint;
  offsetDelta?: number;
  /** A number stands for a length without bytes. */
  key?: Buffer | number;
  value?: Buffer | number;
  headerCount?: number;
  /** What follows the header count. */
  headers?: Buffer;
  /** Follows all that a record has, inside its length. */
  trailing?: Buffer;
}

/** Lays a record out. */
export function rawRecord(index: number, record: RawRecord = {}): Buffer {
  const { key = Buffer.from(`key ${index}`), value = Buffer.from(`value ${index}`) } = record;
  const content = Buffer.concat([
    Buffer.from([0]),
    varint(record.timestampDelta ?? 0),
    varint(record.offsetDelta ?? index),
    ...lengthAndBytes(key),
    ...lengthAndBytes(value),
    varint(record.headerCount ?? 0),
    record.headers ?? Buffer.alloc(0),
    record.trailing ?? Buffer.alloc(0),
  ]);
  return Buffer.concat([varint(content.length + (record.lengthOff ?? 0)), content]);
}

function lengthAndBytes(field: Buffer | number): Buffer[] {
  return typeof field === 'number' ? [varint(field)] : [varint(field.length), field];
}

/** What a header says; the record count is that of its records unless it is given. */
export interface RawHeader {
  packing?: Packing;
  baseTimestampMs: number | bigint;
  maxTimestampMs?: number | bigint;
  recordCount?: number;
  lastOffsetDelta?: number;
  attributes?: number;
}

/** A batch of records laid out by `rawRecord`, with a CRC that fits. */
export function rawBatch(records: readonly Buffer[], header: RawHeader): Buffer {
  const packed = pack(header.packing ?? 'none', Buffer.concat(records));
  return batchAround(packed, { recordCount: records.length, ...header });
}

/** A batch with a body of any bytes, with a CRC that fits. */
export function batchAround(body: Buffer, header: RawHeader & { recordCount: number }): Buffer {
  const { packing = 'none', recordCount, baseTimestampMs } = header;
  const codec = packing === 'snappy-raw' ? 'snappy' : packing;
  const template = encodeBatch({ records: [{ timestampMs: 0 }] });
  const batch = Buffer.concat([template.subarray(0, batchHeaderBytes), body]);
  batch.writeInt32BE(batch.length - 12, field.batchLength);
  batch.writeInt16BE((header.attributes ?? 0) | compressionCode(codec), field.attributes);
  batch.writeInt32BE(recordCount, field.recordCount);
  batch.writeInt32BE(header.lastOffsetDelta ?? recordCount - 1, field.lastOffsetDelta);
  batch.writeBigInt64BE(BigInt(baseTimestampMs), field.baseTimestamp);
  batch.writeBigInt64BE(BigInt(header.maxTimestampMs ?? baseTimestampMs), field.maxTimestamp);
  return reseal(batch);
}

/** Makes the CRC of a batch right again. */
export function reseal(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(field.attributes)), field.crc);
  return batch;
}
