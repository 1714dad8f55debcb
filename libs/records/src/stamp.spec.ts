import fc from 'fast-check';
import { checkProducedBatch } from './check';
import { encodeBatch } from './encode';
import { crc32cBetween } from './crc32c';
import { field, readBatchHeader } from './header';
import { writeInt64 } from './integers';
import { mendMaxTimestamp } from './stamp';

function withMaxTimestamp(batch: Buffer, timestampMs: number): Buffer {
  writeInt64(batch, timestampMs, field.maxTimestamp);
  batch.writeUInt32BE(crc32cBetween(batch, field.attributes, batch.length), field.crc);
  return batch;
}

describe('mendMaxTimestamp', () => {
  it('puts the largest time of the records into the header, and leaves right ones alone', () => {
    const timestamps = fc.array(fc.integer({ min: -1, max: 2 ** 45 }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(timestamps, fc.nat(200), fc.boolean(), (timestampsMs, valueBytes, lies) => {
        const value = Buffer.alloc(valueBytes, 1);
        const records = timestampsMs.map((timestampMs) => ({ timestampMs, value }));
        const batch = encodeBatch({ records });
        if (lies) withMaxTimestamp(batch, timestampsMs.at(-1)!);
        const before = Buffer.from(batch);
        const largest = Math.max(...timestampsMs);
        expect(mendMaxTimestamp(batch, checkProducedBatch(batch))).toBe(largest);
        expect(checkProducedBatch(batch).maxTimestampMs).toBe(largest);
        if (readBatchHeader(before).maxTimestampMs === largest) {
          expect(batch.equals(before)).toBe(true);
        }
      }),
    );
  });

  it('leaves a batch alone whose records cannot be read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 7, maxLength: 60 }), (body) => {
        const whole = encodeBatch({
          records: [{ timestampMs: 5, value: Buffer.alloc(body.length) }],
        });
        whole.set(body, 61);
        withMaxTimestamp(whole, Number.MAX_SAFE_INTEGER);
        const before = Buffer.from(whole);
        mendMaxTimestamp(whole, checkProducedBatch(whole));
        expect(whole.equals(before)).toBe(true);
      }),
    );
  });
});
