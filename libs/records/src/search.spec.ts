import * as fc from 'fast-check';
import type { CompressionName } from './attributes';
import { decodeBatch } from './decode';
import { encodeBatch } from './encode';
import { firstRecordAtOrAfter, maxTimestampRecord } from './search';
import { stampLogAppendTime } from './stamp';

const compressions: CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const batchAt = (timesMs: number[], compression: CompressionName = 'none'): Buffer =>
  encodeBatch({
    records: timesMs.map((timestampMs) => ({ timestampMs, value: Buffer.from('value') })),
    compression,
    baseOffset: 1000,
  });

describe.each(compressions)('search by time in a batch, compression %s', (compression) => {
  const batch = batchAt([50, 20, 70, 70, 60], compression);

  it('finds the first record in offset order that is late enough', () => {
    expect(firstRecordAtOrAfter(batch, -1)).toEqual({ offset: 1000, timestampMs: 50 });
    expect(firstRecordAtOrAfter(batch, 50)).toEqual({ offset: 1000, timestampMs: 50 });
    expect(firstRecordAtOrAfter(batch, 51)).toEqual({ offset: 1002, timestampMs: 70 });
    expect(firstRecordAtOrAfter(batch, 70)).toEqual({ offset: 1002, timestampMs: 70 });
    expect(firstRecordAtOrAfter(batch, 71)).toBeNull();
  });

  it('finds the first record that has the largest time', () => {
    expect(maxTimestampRecord(batch)).toEqual({ offset: 1002, timestampMs: 70 });
  });

  it('takes all records for as late as the append, where that is the time', () => {
    const appended = Buffer.from(batch);
    stampLogAppendTime(appended, 0, 90);
    expect(firstRecordAtOrAfter(appended, 80)).toEqual({ offset: 1000, timestampMs: 90 });
    expect(firstRecordAtOrAfter(appended, 91)).toBeNull();
    expect(maxTimestampRecord(appended)).toEqual({ offset: 1000, timestampMs: 90 });
  });

  it('keeps to the limit', () => {
    if (compression === 'none') return;
    const options = { decompressedBytesMax: 10 };
    const tooLarge = expect.objectContaining({ code: 'too-large' });
    expect(() => firstRecordAtOrAfter(batch, 0, options)).toThrow(tooLarge);
    expect(() => maxTimestampRecord(batch, options)).toThrow(tooLarge);
  });
});

describe('search by time', () => {
  it('agrees with decoding everything', () => {
    const timeMs = fc.integer({ min: -50, max: 50 });
    const timesMs = fc.array(timeMs, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(timesMs, timeMs, (times, wanted) => {
        const batch = batchAt(times);
        const positions = decodeBatch(batch).map(({ offset, timestampMs }) => ({
          offset,
          timestampMs,
        }));
        const late = positions.find(({ timestampMs }) => timestampMs >= wanted);
        expect(firstRecordAtOrAfter(batch, wanted)).toEqual(late ?? null);
        const latest = Math.max(...times);
        const largest = positions.find(({ timestampMs }) => timestampMs === latest);
        expect(maxTimestampRecord(batch)).toEqual(largest);
      }),
    );
  });
});
