import { openBody, type DecodeOptions } from './body';
import { checkWholeBatch } from './check';
import { enterRecord, readOffset, readTimestamp } from './decode';
import { Cursor } from './varint';

/** Where a record is, and its time. */
export interface RecordPosition {
  offset: number;
  timestampMs: number;
}

/**
 * Finds the first record, in offset order, whose time is `timestampMs` or later; null when there is
 * none. Offsets count from the header's base offset. In a batch that has the time of its append,
 * all records have that time. The header's maximum timestamp is not relied on: some clients write
 * the last record's there.
 * @throws RecordsError as decodeBatch does; keys, values and headers are not looked at.
 */
export function firstRecordAtOrAfter(
  batch: Buffer,
  timestampMs: number,
  options?: DecodeOptions,
): RecordPosition | null {
  let found: RecordPosition | null = null;
  forEachPosition(batch, options, (position) => {
    if (position.timestampMs < timestampMs) return true;
    found = position;
    return false;
  });
  return found;
}

/**
 * Finds the record with the largest time, the first where several have it (KIP-734). A batch that
 * compaction has emptied gives its last offset and the header's maximum timestamp.
 * @throws RecordsError as decodeBatch does; keys, values and headers are not looked at.
 */
export function maxTimestampRecord(batch: Buffer, options?: DecodeOptions): RecordPosition {
  let largest: RecordPosition | null = null;
  const header = forEachPosition(batch, options, (position) => {
    if (largest === null || position.timestampMs > largest.timestampMs) largest = position;
    return true;
  });
  const offset = header.baseOffset + header.lastOffsetDelta;
  return largest ?? { offset, timestampMs: header.maxTimestampMs };
}

/** Calls `visit` with each record's position until it returns false; returns the batch's header. */
function forEachPosition(
  batch: Buffer,
  options: DecodeOptions | undefined,
  visit: (position: RecordPosition) => boolean,
) {
  const header = checkWholeBatch(batch);
  const body = openBody(batch, header, options);
  const cursor = new Cursor(body);
  for (let index = 0; index < header.recordCount; index++) {
    const recordEnd = enterRecord(cursor);
    const timestampMs = readTimestamp(cursor, header);
    const offset = readOffset(cursor, header);
    if (!visit({ offset, timestampMs })) break;
    cursor.at = recordEnd;
    cursor.end = body.length;
  }
  return header;
}
