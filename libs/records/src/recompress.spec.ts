import { compressionOf, type CompressionName } from './attributes';
import { decodeBatch } from './decode';
import { encodeBatch } from './encode';
import { readBatchHeader } from './header';
import { recompressBatch } from './recompress';

const names: CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const records = Array.from({ length: 50 }, (_, index) => ({
  key: Buffer.from(`key ${index}`),
  value: Buffer.from('value '.repeat(20)),
  timestampMs: 1000 + index,
}));

describe('recompressBatch', () => {
  it.each(names.flatMap((from) => names.map((to) => [from, to] as const)))(
    'turns %s into %s and changes nothing else',
    (from, to) => {
      const batch = encodeBatch({
        records,
        compression: from,
        baseOffset: 77,
        producerId: 3,
        producerEpoch: 1,
        baseSequence: 9,
        transactional: true,
      });
      const result = recompressBatch(batch, to);
      const before = readBatchHeader(batch);
      const after = readBatchHeader(result);
      expect(compressionOf(after.attributes)).toBe(to);
      const { attributes, batchLength, crc } = after;
      expect(after).toEqual({ ...before, attributes, batchLength, crc });
      expect(attributes & ~0b111).toBe(before.attributes & ~0b111);
      expect(decodeBatch(result)).toEqual(decodeBatch(batch));
      if (from === to) expect(result).toBe(batch);
    },
  );

  it('keeps to the limit', () => {
    const batch = encodeBatch({ records, compression: 'gzip' });
    expect(() => recompressBatch(batch, 'zstd', { decompressedBytesMax: 100 })).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    );
  });

  it('hands the level to the codec', () => {
    const batch = encodeBatch({ records });
    const best = recompressBatch(batch, 'gzip', { compressionLevel: 9 });
    const fast = recompressBatch(batch, 'gzip', { compressionLevel: 1 });
    expect(best.length).toBeLessThan(fast.length);
  });
});
