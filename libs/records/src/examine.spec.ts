import { compressionOf, type CompressionName } from './attributes';
import { checkProducedBatch } from './check';
import { decodeBatch } from './decode';
import { encodeBatch, type BatchOptions } from './encode';
import { RecordsError } from './errors';
import { applyFindings, examineRecords, type ExamineRules } from './examine';
import { batchHeaderBytes, readBatchHeader } from './header';
import { limits } from './limits';

const names: CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const records = Array.from({ length: 50 }, (_, index) => ({
  key: Buffer.from(`key ${index}`),
  value: Buffer.from('value '.repeat(20)),
  timestampMs: 1000 + ((index * 7) % 50),
  headers: index % 3 === 0 ? [{ key: 'name', value: Buffer.alloc(index) }] : [],
}));
const anything: ExamineRules = {
  keysRequired: false,
  earliestMs: -Infinity,
  latestMs: Infinity,
  recordBytesMax: Infinity,
  decompressedBytesMax: 1024 * 1024,
  compression: null,
};

/** What a gateway would store of a batch; throws where it would refuse it. */
function accept(batch: Buffer, rules: Partial<ExamineRules> = {}): Buffer {
  const all = { ...anything, ...rules };
  const header = checkProducedBatch(batch);
  const findings = examineRecords(batch, batchHeaderBytes, header, all);
  const result = applyFindings(batch, header, findings, all.compression);
  const { attributes, maxTimestampMs, recordCount } = readBatchHeader(result);
  expect(header).toMatchObject({ attributes, maxTimestampMs, recordCount });
  return result;
}

function refusal(batch: Buffer, rules: Partial<ExamineRules> = {}): RecordsError {
  try {
    accept(batch, rules);
  } catch (error) {
    if (error instanceof RecordsError) return error;
    throw error;
  }
  throw new Error('the batch was accepted');
}

describe('a batch in the compression that its topic wants', () => {
  it.each(names.flatMap((from) => names.map((to) => [from, to] as const)))(
    'goes from %s to %s, and nothing else changes',
    (compression, to) => {
      const producer = { producerId: 3, producerEpoch: 1, baseSequence: 9, transactional: true };
      const batch = encodeBatch({ records, compression, ...producer });
      const before = readBatchHeader(batch);
      const decoded = decodeBatch(batch);
      const result = accept(batch, { compression: compression === to ? null : to });
      const after = readBatchHeader(result);
      const { attributes, batchLength, crc } = after;
      expect(compressionOf(attributes)).toBe(to);
      expect(after).toEqual({ ...before, attributes, batchLength, crc });
      expect(attributes & ~0b111).toBe(before.attributes & ~0b111);
      expect(decodeBatch(result)).toEqual(decoded);
      if (compression === to) expect(result).toBe(batch);
    },
  );

  it('is not opened further than is allowed', () => {
    const batch = encodeBatch({ records, compression: 'gzip' });
    const { code } = refusal(batch, { compression: 'zstd', decompressedBytesMax: 100 });
    expect(code).toBe('too-large');
  });
});

describe.each(names)('records packed as %s', (compression) => {
  const encode = (options: Partial<BatchOptions> = {}) =>
    encodeBatch({ records, compression, ...options });
  const at = (...timestampsMs: number[]) =>
    encode({ records: timestampsMs.map((timestampMs) => ({ timestampMs })) });

  it('may be at the bounds of their topic, and not beyond', () => {
    const bounds = { earliestMs: 10, latestMs: 20 };
    expect(accept(at(10, 20, 15), bounds)).toBeDefined();
    const { code, message, faults } = refusal(at(10, 21, 15, 9), bounds);
    expect(code).toBe('invalid-timestamp');
    expect(faults.map(({ index }) => index)).toEqual([1, 3]);
    expect(message).toContain('2 record errors; record 1: timestamp 21');
  });

  it('may have no time at all, whatever the bounds', () => {
    const accepted = accept(at(-1, -1), { earliestMs: 10, latestMs: 20 });
    expect(readBatchHeader(accepted).maxTimestampMs).toBe(-1);
    expect(accept(at(15, -1), { earliestMs: 10, latestMs: 20 })).toBeDefined();
  });

  it('may be from before 1970, as in Kafka, and are then of no largest time', () => {
    expect(readBatchHeader(accept(at(-50, -7))).maxTimestampMs).toBe(-1);
  });

  it('that lack both a key and a right time are blamed for the key, as in Kafka', () => {
    const rules = { keysRequired: true, earliestMs: 10, latestMs: 20 };
    const { code, faults } = refusal(at(30, 15), rules);
    expect(code).toBe('invalid-record');
    expect(faults).toHaveLength(2);
  });

  it('are not all named where very many are to blame', () => {
    const keyless = Array.from({ length: limits.recordFaultsMax + 50 }, () => ({ timestampMs: 1 }));
    const { faults, message } = refusal(encode({ records: keyless }), { keysRequired: true });
    expect(faults).toHaveLength(limits.recordFaultsMax);
    expect(message).toContain(`${keyless.length} record errors`);
  });

  it('may be as large as is allowed, where they are compressed', () => {
    const one = encode({ records: [{ timestampMs: 1, value: Buffer.alloc(1000) }] });
    // Six numbers of one byte, the length of the value of two.
    expect(accept(one, { recordBytesMax: 1007 })).toBeDefined();
    if (compression === 'none') expect(accept(one, { recordBytesMax: 1006 })).toBeDefined();
    else expect(refusal(one, { recordBytesMax: 1006 }).code).toBe('invalid-record');
  });
});
