import * as fc from 'fast-check';
import type { CompressionName } from './attributes';
import { decodeBatch } from './decode';
import { encodeBatch, sealBatch, type BatchOptions, type RecordInput } from './encode';
import { RecordsError } from './errors';
import { batchHeaderBytes, field } from './header';
import { limits } from './limits';
import { firstRecordAtOrAfter, maxTimestampRecord } from './search';

const compressions: CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const nullable = fc.option(bytes, { nil: null });
const timestampMs = fc.oneof(fc.nat(), fc.integer({ min: -(2 ** 51), max: 2 ** 51 }));
const record = fc.record<RecordInput>({
  key: nullable,
  value: nullable,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme' }), value: nullable }), {
    maxLength: 3,
  }),
  timestampMs,
});
const batchOptions = fc.record<BatchOptions>({
  records: fc.array(record, { minLength: 1, maxLength: 80 }),
  compression: fc.constantFrom(...compressions),
  baseOffset: fc.nat({ max: 2 ** 52 }),
});

/** A batch of hand-made records, with a right header and CRC. */
function batchOf(body: string | Buffer, recordCount: number): Buffer {
  const bytesOfBody =
    typeof body === 'string' ? Buffer.from(body.replaceAll(' ', ''), 'hex') : body;
  const batch = encodeBatch({ records: [{ timestampMs: 0 }] }).subarray(0, batchHeaderBytes);
  const result = Buffer.concat([batch, bytesOfBody]);
  result.writeInt32BE(recordCount, field.recordCount);
  sealBatch(result);
  return result;
}

/** Runs every reader, and lets only RecordsError pass. */
function readAll(batch: Buffer): void {
  const options = { decompressedBytesMax: 1024 * 1024 };
  for (const read of [
    () => decodeBatch(batch, options),
    () => maxTimestampRecord(batch, options),
    () => firstRecordAtOrAfter(batch, 5, options),
  ]) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof RecordsError)) throw error;
    }
  }
}

describe('decodeBatch', () => {
  it('gives back what was encoded, whatever the compression', () => {
    fc.assert(
      fc.property(batchOptions, (options) => {
        const expected = options.records.map((input, index) => ({
          offset: options.baseOffset! + index,
          ...input,
        }));
        expect(decodeBatch(encodeBatch(options))).toEqual(expected);
      }),
    );
  });

  it('checks the CRC', () => {
    const batch = encodeBatch({ records: [{ timestampMs: 0, value: Buffer.from('x') }] });
    batch[batch.length - 2]! ^= 1;
    expect(() => decodeBatch(batch)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });

  it('decodes a batch that compaction has left gaps in, or nothing at all', () => {
    const gaps = batchOf('0c 00 00 04 01 01 00 0c 00 00 0a 01 01 00', 2);
    gaps.writeInt32BE(6, field.lastOffsetDelta);
    sealBatch(gaps);
    expect(decodeBatch(gaps).map(({ offset }) => offset)).toEqual([2, 5]);
    expect(decodeBatch(batchOf('', 0))).toEqual([]);
  });

  it.each([
    ['more records than bytes', '0c 00 00 00 01 01 00', 2],
    ['two thousand million records', '0c 00 00 00 01 01 00', 0x7fffffff],
    ['fewer than no records', '0c 00 00 00 01 01 00', -1],
    ['bytes after the last record', '0c 00 00 00 01 01 00 00', 1],
    ['a record longer than the batch', '0e 00 00 00 01 01 00', 1],
    ['a record of negative length', '0b 00 00 00 01 01 00', 1],
    ['a record with bytes left over', '0e 00 00 00 01 01 00 00', 1],
    ['a record that ends in its header count', '0a 00 00 00 01 01 00', 1],
    ['a key longer than its record', '0e 00 00 00 7e 01 00 00', 1],
    ['a key of length -2', '0c 00 00 00 03 01 00', 1],
    ['two thousand million headers', '14 00 00 00 01 01 feffffff0f', 1],
    ['fewer than no headers', '0c 00 00 00 01 01 01', 1],
    ['a header without a key', '10 00 00 00 01 01 02 01 01', 1],
    ['an offset after the last', '0c 00 00 02 01 01 00', 1],
    ['an offset before the first', '0c 00 00 01 01 01 00', 1],
    ['a time beyond 2^53', '1a 00 feffffffffffffff1f 00 01 01 00', 1],
  ])('refuses %s', (_, body, count) => {
    expect(() => decodeBatch(batchOf(body, count))).toThrow(
      expect.objectContaining({ code: 'invalid-record' }),
    );
  });

  it('refuses more records and headers than it would hold in memory', () => {
    const count = limits.decodedItemsMax + 1;
    const batch = batchOf(Buffer.alloc(7 * count, '0c000000010100', 'hex'), count);
    expect(() => decodeBatch(batch)).toThrow(expect.objectContaining({ code: 'too-large' }));
    expect(maxTimestampRecord(batch)).toEqual({ offset: 0, timestampMs: 0 });

    const start = Buffer.from('9092f401000000010180897a', 'hex');
    const headers = Buffer.alloc(2 * limits.decodedItemsMax, '0001', 'hex');
    const laden = batchOf(Buffer.concat([start, headers]), 1);
    expect(() => decodeBatch(laden)).toThrow(expect.objectContaining({ code: 'too-large' }));
  });

  it('throws nothing but RecordsError for records that are cut off or changed', () => {
    const index = fc.nat({ max: 1000 });
    const edits = fc.array(fc.tuple(index, fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(batchOptions, edits, fc.boolean(), (options, changes, cut) => {
        let batch = encodeBatch(options);
        const bodyBytes = batch.length - batchHeaderBytes;
        if (cut) batch = batch.subarray(0, batchHeaderBytes + (changes[0]![0] % bodyBytes));
        else for (const [at, byte] of changes) batch[field.attributes + (at % bodyBytes)] = byte;
        sealBatch(batch);
        readAll(batch);
      }),
      { numRuns: 500 },
    );
  });

  it('throws nothing but RecordsError for any bytes in place of records', () => {
    const noise = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(noise, fc.nat({ max: 4 }), fc.integer(), (body, compression, recordCount) => {
        const batch = batchOf(Buffer.from(body), recordCount);
        batch.writeInt16BE(compression, field.attributes);
        sealBatch(batch);
        readAll(batch);
      }),
      { numRuns: 500 },
    );
  });
});

describe('encodeBatch', () => {
  it('writes the attributes that are asked for', () => {
    const flags = { transactional: true, control: true, logAppendTime: true };
    const batch = encodeBatch({ records: [{ timestampMs: 1 }], compression: 'zstd', ...flags });
    expect(batch.readInt16BE(field.attributes)).toBe(0b111100);
  });

  it.each([
    ['no records', []],
    ['a time that is no integer', [{ timestampMs: 0.5 }]],
    ['times too far apart', [{ timestampMs: -(2 ** 52) }, { timestampMs: 2 ** 53 - 1 }]],
  ])('refuses %s', (_, records) => {
    expect(() => encodeBatch({ records })).toThrow(
      expect.objectContaining({ code: 'invalid-record' }),
    );
  });
});
