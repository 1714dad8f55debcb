import { RecordsError } from './errors';
import type { BatchHeader } from './header';

/** What a walk over the records of a batch has found. */
export interface RecordsSummary {
  /** How much later than the base timestamp the earliest and the latest record are, ms. */
  smallestDeltaMs: number;
  largestDeltaMs: number;
  /** Whether some record has no key. */
  keyless: boolean;
  /** Of the largest record, all but its own length. */
  largestRecordBytes: number;
}

const noBytes = Buffer.alloc(0);

/** The bytes of a varint: five for an int32, ten for an int64. */
const varintShiftMax = 28;
const varlongBytesMax = 10;

/**
 * Walks over all records of a batch, and compares them with its header and with the format: they
 * are as many as it says and fill the bytes, their offsets are 0, 1, 2 and so on, and all lengths
 * and counts fit what they are of. Nothing is made for a record, and no byte is read twice: each
 * batch that is produced passes here.
 * @param start where the records begin; they reach to the end of `bytes`.
 * @returns what was found; the next walk overwrites it
 * @throws RecordsError `invalid-record`, or `invalid-timestamp` for a time beyond 2^53.
 */
export function walkRecords(
  bytes: Buffer,
  start: number,
  header: Pick<BatchHeader, 'recordCount' | 'baseTimestampMs'>,
): RecordsSummary {
  walker.begin(bytes, start);
  try {
    walker.walk(header.recordCount);
  } finally {
    walker.end();
  }
  if (walker.at !== bytes.length) {
    const left = bytes.length - walker.at;
    throw new RecordsError('invalid-record', `${left} bytes follow the last record`);
  }
  const { baseTimestampMs } = header;
  const earliestMs = baseTimestampMs + walker.smallestDeltaMs;
  const latestMs = baseTimestampMs + walker.largestDeltaMs;
  if (!Number.isSafeInteger(earliestMs) || !Number.isSafeInteger(latestMs)) {
    throw new RecordsError('invalid-timestamp', 'the time of a record is beyond 2^53');
  }
  return walker;
}

/**
 * Reads without looking where the bytes end: a read past the end gives 0, and moves on. What counts
 * is that a record ends where its length says, which is looked at once it is read.
 */
class RecordsWalker implements RecordsSummary {
  at = 0;
  smallestDeltaMs = Infinity;
  largestDeltaMs = -Infinity;
  keyless = false;
  largestRecordBytes = 0;
  private bytes: Buffer = noBytes;

  /** Forgets the last walk. */
  begin(bytes: Buffer, start: number): void {
    this.bytes = bytes;
    this.at = start;
    this.smallestDeltaMs = Infinity;
    this.largestDeltaMs = -Infinity;
    this.keyless = false;
    this.largestRecordBytes = 0;
  }

  /** What was walked over need not stay in memory. */
  end(): void {
    this.bytes = noBytes;
  }

  /**
   * Steps over all records. What most of them look like is read here, in local variables:
   * numbers of at most two bytes (times of three). All others are left to `step`, which also says
   * what is wrong.
   */
  walk(recordCount: number): void {
    const { bytes } = this;
    const bytesEnd = bytes.length;
    let smallest = Infinity;
    let largest = -Infinity;
    let longest = 0;
    let next = this.at;
    for (let index = 0; index < recordCount; index++) {
      let at = next;
      let length = bytes[at++]!;
      if (length > 0x7f) length = (length & 0x7f) | (bytes[at++]! << 7);
      const end = at + (length >>> 1);
      // Behind the record's attributes, which nothing uses.
      let time = bytes[at + 1]!;
      at += 2;
      if (time > 0x7f) {
        time = (time & 0x7f) | (bytes[at++]! << 7);
        if (time > 0x3fff) time = (time & 0x3fff) | (bytes[at++]! << 14);
      }
      let offset = bytes[at++]!;
      if (offset > 0x7f) offset = (offset & 0x7f) | (bytes[at++]! << 7);
      const key = bytes[at++]!;
      // A length of -1, for null, is 1 before its sign is taken out.
      at += key >>> 1;
      let value = bytes[at++]!;
      if (value > 0x7f) value = (value & 0x7f) | (bytes[at++]! << 7);
      at += value >>> 1;
      const headers = bytes[at++]!;
      if (headers !== 0) at = pastHeaders(bytes, at, headers);
      const wrong = (at ^ end) | (offset ^ (index << 1)) | (length & 1);
      const long = (key >>> 7) | ((length | value | offset) >>> 14) | (time >>> 21);
      const negative = (key & 1 && key !== 1) || (value & 1 && value !== 1);
      if ((wrong | long) !== 0 || negative || end > bytesEnd) {
        this.at = next;
        this.step(index);
        next = this.at;
        continue;
      }
      const deltaMs = (time >>> 1) ^ -(time & 1);
      if (deltaMs > largest) largest = deltaMs;
      if (deltaMs < smallest) smallest = deltaMs;
      if (length > longest) longest = length;
      if (key === 1) this.keyless = true;
      next = end;
    }
    this.at = next;
    this.largestRecordBytes = Math.max(this.largestRecordBytes, longest >>> 1);
    this.smallestDeltaMs = Math.min(this.smallestDeltaMs, smallest);
    this.largestDeltaMs = Math.max(this.largestDeltaMs, largest);
  }

  /** Steps over one record. */
  private step(index: number): void {
    if (this.at >= this.bytes.length) throw broken(index, 'is missing');
    const recordBytes = this.varint();
    const end = this.at + recordBytes;
    if (recordBytes < 0 || end > this.bytes.length) {
      throw broken(index, `has a length of ${recordBytes}, which does not fit the batch`);
    }
    if (recordBytes > this.largestRecordBytes) this.largestRecordBytes = recordBytes;
    // The record's attributes, which nothing uses.
    this.at++;
    const deltaMs = this.varlong();
    if (deltaMs > this.largestDeltaMs) this.largestDeltaMs = deltaMs;
    if (deltaMs < this.smallestDeltaMs) this.smallestDeltaMs = deltaMs;
    const offsetDelta = this.varint();
    if (offsetDelta !== index) throw broken(index, `has the offset delta ${offsetDelta}`);
    const keyBytes = this.varint();
    if (keyBytes > 0) this.at += keyBytes;
    else if (keyBytes < 0) {
      if (keyBytes !== -1) throw broken(index, `has a key of ${keyBytes} bytes`);
      this.keyless = true;
    }
    const valueBytes = this.varint();
    if (valueBytes > 0) this.at += valueBytes;
    else if (valueBytes < -1) throw broken(index, `has a value of ${valueBytes} bytes`);
    const headers = this.varint();
    if (headers !== 0) this.headers(index, headers, end);
    if (this.at !== end) {
      throw broken(index, `has ${this.at - end} bytes more than its length of ${recordBytes}`);
    }
  }

  private headers(index: number, count: number, end: number): void {
    // A header takes two bytes at least, so a false count ends here and not after as many steps.
    if (count < 0 || count * 2 > end - this.at) throw broken(index, `has ${count} headers`);
    for (let left = count; left > 0; left--) {
      const nameBytes = this.varint();
      if (nameBytes < 0) throw broken(index, `has a header name of ${nameBytes} bytes`);
      this.at += nameBytes;
      const valueBytes = this.varint();
      if (valueBytes > 0) this.at += valueBytes;
      else if (valueBytes < -1) throw broken(index, `has a header value of ${valueBytes} bytes`);
    }
  }

  /** A zig-zag int32. */
  private varint(): number {
    const byte = this.bytes[this.at++]!;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    return this.longVarint(byte);
  }

  private longVarint(first: number): number {
    let value = first & 0x7f;
    for (let shift = 7; shift <= varintShiftMax; shift += 7) {
      const byte = this.bytes[this.at++]!;
      if (shift === varintShiftMax && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (!(byte > 0x7f)) return (value >>> 1) ^ -(value & 1);
    }
    throw new RecordsError('invalid-record', `the number before byte ${this.at} is too long`);
  }

  /** A zig-zag int64. */
  private varlong(): number {
    const byte = this.bytes[this.at++]!;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    return this.longVarlong(byte);
  }

  private longVarlong(first: number): number {
    let half = (first & 0x7f) >>> 1;
    let weight = 64;
    for (let bytes = 2; bytes <= varlongBytesMax; bytes++) {
      const byte = this.bytes[this.at++]!;
      // A sum that passes 2^53 has lost digits, but stays above 2^53, so it is still caught.
      half += (byte & 0x7f) * weight;
      weight *= 128;
      if (byte > 0x7f) continue;
      const value = first & 1 ? -half - 1 : half;
      if (Number.isSafeInteger(value)) return value;
      throw new RecordsError('invalid-timestamp', 'the time of a record is beyond 2^53');
    }
    throw new RecordsError('invalid-record', `the number before byte ${this.at} is too long`);
  }
}

/** One for all batches, for a walk ends before another begins. */
const walker = new RecordsWalker();

/**
 * Where the next record begins, behind headers as most are: few, with short names and values. Else
 * -1. `count` is as it stands in the bytes, twice the number.
 */
function pastHeaders(bytes: Buffer, start: number, count: number): number {
  if ((count & 0x81) !== 0) return -1;
  let at = start;
  for (let left = count >>> 1; left > 0; left--) {
    const name = bytes[at++]!;
    if ((name & 0x81) !== 0) return -1;
    at += name >>> 1;
    let value = bytes[at++]!;
    if (value > 0x7f) value = (value & 0x7f) | (bytes[at++]! << 7);
    if (value > 0x3fff || (value & 1 && value !== 1)) return -1;
    at += value >>> 1;
  }
  return at;
}

function broken(index: number, what: string): RecordsError {
  return new RecordsError('invalid-record', `record ${index} ${what}`);
}
