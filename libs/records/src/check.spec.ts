import { controlBit, logAppendTimeBit } from './attributes';
import { checkProducedBatch } from './check';
import { encodeBatch, sealBatch, type BatchOptions } from './encode';
import { RecordsError } from './errors';
import { batchHeaderBytes, batchSizeAt, field, readBatchHeader } from './header';
import { decodeBatch } from './decode';
import { stampBatch, stampLogAppendTime } from './stamp';

const records = [
  { key: Buffer.from('a'), value: Buffer.from('one'), timestampMs: 10 },
  { key: null, value: Buffer.from('two'), timestampMs: 30 },
  { key: Buffer.from('c'), value: null, timestampMs: 20 },
];
const encode = (options: Partial<BatchOptions> = {}): Buffer =>
  encodeBatch({ records, ...options });

/** A batch that has been changed, with a CRC that fits the change. */
function changed(change: (batch: Buffer) => void, options?: Partial<BatchOptions>): Buffer {
  const batch = encode(options);
  change(batch);
  sealBatch(batch);
  return batch;
}

function codeOf(batch: Buffer): string {
  try {
    checkProducedBatch(batch);
    return 'accepted';
  } catch (error) {
    if (error instanceof RecordsError) return error.code;
    throw error;
  }
}

const invalid = 'invalid-record';

describe('checkProducedBatch', () => {
  it('takes a batch and gives its header', () => {
    const batch = encode({ producerId: 7, producerEpoch: 1, baseSequence: 5, transactional: true });
    const header = checkProducedBatch(batch);
    expect(header).toEqual(readBatchHeader(batch));
    expect(header).toMatchObject({
      baseTimestampMs: 10,
      maxTimestampMs: 30,
      lastOffsetDelta: 2,
      recordCount: 3,
      producerId: 7,
      producerEpoch: 1,
      baseSequence: 5,
    });
  });

  it.each([-1, 0, 9])('takes partition leader epoch %d', (partitionLeaderEpoch) => {
    expect(codeOf(encode({ partitionLeaderEpoch }))).toBe('accepted');
  });

  it('refuses a batch cut off at any byte', () => {
    const batch = encode();
    expect(codeOf(batch.subarray(0, 0))).toBe(invalid);
    for (let bytes = 1; bytes < batch.length; bytes++) {
      expect(codeOf(batch.subarray(0, bytes))).toBe('corrupt');
    }
  });

  it('refuses a batch with any bit after the CRC flipped', () => {
    const batch = encode();
    for (let at = field.crc; at < batch.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        batch[at]! ^= 1 << bit;
        expect(codeOf(batch)).toBe('corrupt');
        batch[at]! ^= 1 << bit;
      }
    }
    expect(codeOf(batch)).toBe('accepted');
  });

  it('refuses a second batch, and anything else behind the first', () => {
    expect(codeOf(Buffer.concat([encode(), encode()]))).toBe(invalid);
    expect(codeOf(Buffer.concat([encode(), Buffer.alloc(1)]))).toBe(invalid);
  });

  it.each([0, 1, 3, 0xff])('refuses magic %d, however short the bytes', (magic) => {
    const batch = changed((bytes) => (bytes[field.magic] = magic));
    expect(codeOf(batch)).toBe('unsupported-magic');
    expect(codeOf(batch.subarray(0, 30))).toBe('unsupported-magic');
  });

  it.each([-1, 0, 48, 0x7fffffff, -0x80000000])('refuses a length of %d', (length) => {
    const batch = encode();
    batch.writeInt32BE(length, field.batchLength);
    expect(codeOf(batch)).toBe('corrupt');
  });

  it.each([5, 6, 7])('refuses compression code %d', (code) => {
    const batch = changed((bytes) => bytes.writeInt16BE(code, field.attributes));
    expect(codeOf(batch)).toBe('unsupported-compression');
  });

  it.each<[string, (batch: Buffer) => void]>([
    ['no record', (batch) => batch.writeInt32BE(0, field.recordCount)],
    ['a negative count', (batch) => batch.writeInt32BE(-3, field.recordCount)],
    ['a count that is not the offsets', (batch) => batch.writeInt32BE(4, field.recordCount)],
    ['offsets that are not the count', (batch) => batch.writeInt32BE(3, field.lastOffsetDelta)],
    ['a control batch', (batch) => batch.writeInt16BE(controlBit, field.attributes)],
    ['a producer without a sequence', (batch) => batch.writeBigInt64BE(5n, field.producerId)],
  ])('refuses %s', (_, change) => {
    expect(codeOf(changed(change))).toBe(invalid);
  });

  it.each<[string, (batch: Buffer) => void]>([
    ['a log append time', (batch) => batch.writeInt16BE(logAppendTimeBit, field.attributes)],
    ['a largest time beyond 2^53', (batch) => batch.writeInt32BE(0x200000, field.maxTimestamp)],
    ['a first time beyond 2^53', (batch) => batch.writeInt32BE(-0x200001, field.baseTimestamp)],
  ])('refuses %s as a wrong time', (_, change) => {
    expect(codeOf(changed(change))).toBe('invalid-timestamp');
  });

  it('refuses a header alone', () => {
    const bare = encode().subarray(0, batchHeaderBytes);
    sealBatch(bare);
    expect(codeOf(bare)).toBe(invalid);
  });

  it('takes any base offset for 0, since the log gives offsets', () => {
    for (const baseOffset of [-1n, 77n, 2n ** 62n]) {
      const batch = encode();
      batch.writeBigInt64BE(baseOffset, field.baseOffset);
      expect(checkProducedBatch(batch).baseOffset).toBe(0);
      expect(decodeBatch(batch)[2]!.offset).toBe(2);
    }
  });

  it('refuses a transaction without a producer id', () => {
    expect(codeOf(encode({ transactional: true }))).toBe(invalid);
  });
});

describe('stamps', () => {
  it('give a batch its offset and epoch, and leave its CRC right', () => {
    const log = Buffer.concat([Buffer.alloc(5), encode()]);
    stampBatch(log, 5, 2 ** 52 + 1, 6);
    expect(readBatchHeader(log, 5)).toMatchObject({
      baseOffset: 2 ** 52 + 1,
      partitionLeaderEpoch: 6,
    });
    expect(decodeBatch(log.subarray(5))[2]!.offset).toBe(2 ** 52 + 3);
    expect(codeOf(log.subarray(5))).toBe('accepted');
  });

  it('give a batch the time of its append', () => {
    const log = Buffer.concat([Buffer.alloc(5), encode(), Buffer.alloc(3)]);
    stampLogAppendTime(log, 5, 1_700_000_000_000);
    const decoded = decodeBatch(log.subarray(5, log.length - 3));
    expect(decoded.map((record) => record.timestampMs)).toEqual(
      records.map(() => 1_700_000_000_000),
    );
    expect(readBatchHeader(log, 5).baseTimestampMs).toBe(10);
  });

  it('refuse bytes that hold no batch', () => {
    expect(() => stampBatch(Buffer.alloc(60), 0, 1, 1)).toThrow(RecordsError);
    expect(() => stampBatch(encode(), 1000, 1, 1)).toThrow(RecordsError);
    expect(() => stampLogAppendTime(encode(), 1, 1)).toThrow(RecordsError);
    expect(() => stampLogAppendTime(Buffer.alloc(70), 0, 1)).toThrow(RecordsError);
  });
});

describe('batchSizeAt', () => {
  it('walks over batches in a row', () => {
    const batch = encode();
    const log = Buffer.concat([batch, batch]);
    expect(batchSizeAt(log, 0)).toBe(batch.length);
    expect(batchSizeAt(log, batch.length)).toBe(batch.length);
    expect(() => batchSizeAt(log, log.length - 11)).toThrow(RecordsError);
    expect(() => readBatchHeader(log, log.length - batchHeaderBytes + 1)).toThrow(RecordsError);
  });
});
