import { usesLogAppendTime } from './attributes';
import { openBody, type DecodeOptions } from './body';
import { checkWholeBatch } from './check';
import { RecordsError } from './errors';
import type { BatchHeader } from './header';
import { limits } from './limits';
import { Cursor } from './varint';

export interface RecordHeader {
  key: string;
  value: Buffer | null;
}

/**
 * One record. Key, values and header values are views of the batch, or of what it decompressed to.
 */
export interface RecordData {
  offset: number;
  timestampMs: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: RecordHeader[];
}

/**
 * Decodes the records of one batch, control batches too. Offsets count from the header's base
 * offset.
 * @throws RecordsError: `corrupt`, `unsupported-magic` or `unsupported-compression` for the batch
 * as a whole, `too-large` when it decompresses to more than allowed or has more records and headers
 * than allowed, `invalid-record` when a record breaks the format.
 */
export function decodeBatch(batch: Buffer, options?: DecodeOptions): RecordData[] {
  const header = checkWholeBatch(batch);
  const records: RecordData[] = [];
  let items = header.recordCount;
  const body = openBody(batch, header, options);
  requireItems(items);
  const keep = (record: RecordData) => {
    items += record.headers.length;
    requireItems(items);
    records.push(record);
    return true;
  };
  visitBody(body, header, keep);
  return records;
}

/**
 * As `decodeBatch`, one record after the other: nothing is kept of a record after its visit, so a
 * batch of a million small ones takes no memory for them. Ends where `visit` returns false; what
 * follows is not looked at then.
 * @throws as `decodeBatch`, perhaps after some records were visited
 */
export function visitRecords(
  batch: Buffer,
  visit: (record: RecordData) => boolean,
  options?: DecodeOptions,
): void {
  const header = checkWholeBatch(batch);
  visitBody(openBody(batch, header, options), header, visit);
}

function visitBody(
  body: Buffer,
  header: BatchHeader,
  visit: (record: RecordData) => boolean,
): void {
  const cursor = new Cursor(body);
  for (let index = 0; index < header.recordCount; index++) {
    if (!visit(readRecord(cursor, header))) return;
  }
  requireEnd(cursor, body.length);
}

/** A record of seven bytes becomes an object of some two hundred, so that they too need a limit. */
function requireItems(items: number): void {
  if (items > limits.decodedItemsMax) {
    throw new RecordsError('too-large', `more than ${limits.decodedItemsMax} records and headers`);
  }
}

function readRecord(cursor: Cursor, header: BatchHeader): RecordData {
  const outerEnd = cursor.end;
  const recordEnd = enterRecord(cursor);
  const timestampMs = readTimestamp(cursor, header);
  const offset = readOffset(cursor, header);
  const key = readBytes(cursor);
  const value = readBytes(cursor);
  const headers = readHeaders(cursor);
  requireEnd(cursor, recordEnd);
  cursor.end = outerEnd;
  return { offset, timestampMs, key, value, headers };
}

/**
 * Reads a record's length and its unused attributes, and narrows the cursor to it; returns where it
 * ends.
 */
export function enterRecord(cursor: Cursor): number {
  const bytes = cursor.varint();
  const start = cursor.at;
  cursor.skip(bytes);
  cursor.end = cursor.at;
  cursor.at = start;
  cursor.skip(1);
  return cursor.end;
}

/** Reads a record's time, ms; that of the batch where it is the time of its append (KIP-32). */
export function readTimestamp(cursor: Cursor, header: BatchHeader): number {
  const timestampMs = header.baseTimestampMs + cursor.varlong();
  if (usesLogAppendTime(header.attributes)) return header.maxTimestampMs;
  if (!Number.isSafeInteger(timestampMs)) {
    throw new RecordsError('invalid-record', 'a timestamp is beyond 2^53');
  }
  return timestampMs;
}

/** Reads a record's offset, which must lie within the offsets of its batch. */
export function readOffset(cursor: Cursor, header: BatchHeader): number {
  const delta = cursor.varint();
  if (delta < 0 || delta > header.lastOffsetDelta) {
    throw new RecordsError('invalid-record', `offset delta ${delta} is outside the batch`);
  }
  return header.baseOffset + delta;
}

function readBytes(cursor: Cursor): Buffer | null {
  const bytes = cursor.varint();
  return bytes === -1 ? null : cursor.take(bytes);
}

function readHeaders(cursor: Cursor): RecordHeader[] {
  const count = cursor.varint();
  // A header takes two bytes at least, so a false count is caught before anything is made for it.
  if (count < 0 || count * 2 > cursor.end - cursor.at) {
    throw new RecordsError('invalid-record', `${count} headers do not fit their record`);
  }
  requireItems(count);
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index++) {
    const key = cursor.take(cursor.varint()).toString('utf8');
    headers.push({ key, value: readBytes(cursor) });
  }
  return headers;
}

function requireEnd(cursor: Cursor, end: number): void {
  if (cursor.at !== end) {
    throw new RecordsError('invalid-record', `${end - cursor.at} bytes are left over`);
  }
}
