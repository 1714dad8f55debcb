import { compressFrameSync } from 'lz4-napi';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { compressSync } from 'snappy';
import type { CompressionName } from '../attributes';
import { RecordsError } from '../errors';
import { limits } from '../limits';
import { compress, decompress } from './codecs';

const MiB = 1024 * 1024;
const compressed: CompressionName[] = ['gzip', 'snappy', 'lz4', 'zstd'];
const text = Buffer.from(
  Array.from({ length: 20_000 }, (_, index) => `{"id":${index},"at":${index % 97}}`).join('\n'),
);
const inputs: [string, Buffer][] = [
  ['one byte', Buffer.from('x')],
  ['text', text],
  ['noise', randomBytes(300_000)],
  ['a mixture', Buffer.concat([text, randomBytes(100_000), Buffer.alloc(400_000)])],
];

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'done';
  } catch (error) {
    if (error instanceof RecordsError) return error.code;
    throw error;
  }
}

/** A zstd frame that states no size, of these blocks: type, length field, bytes. */
function zstdFrame(blocks: [type: number, length: number, bytes: Buffer][]): Buffer {
  // Magic; a descriptor of nothing but a window; a window of 8 MiB.
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68])];
  blocks.forEach(([type, length, bytes], index) => {
    const header = Buffer.alloc(3);
    const last = index === blocks.length - 1 ? 1 : 0;
    header.writeUIntLE((length << 3) | (type << 1) | last, 0, 3);
    parts.push(header, bytes);
  });
  return Buffer.concat(parts);
}

describe.each(compressed)('%s', (name) => {
  it.each(inputs)('gives %s back, at exactly the limit too', (_, plain) => {
    const packed = compress(name, plain);
    expect(decompress(name, packed, 64 * MiB).equals(plain)).toBe(true);
    expect(decompress(name, packed, plain.length).equals(plain)).toBe(true);
  });

  it.each(inputs)('refuses %s one byte over the limit', (_, plain) => {
    const packed = compress(name, plain);
    expect(codeOf(() => decompress(name, packed, plain.length - 1))).toBe('too-large');
  });

  it('refuses bytes cut off anywhere', () => {
    const plain = text.subarray(0, 500);
    const packed = compress(name, plain);
    for (let bytes = 1; bytes < packed.length; bytes++) {
      const cut = packed.subarray(0, bytes);
      try {
        // Snappy cut between two chunks, or after its header, is whole again, and short.
        expect(decompress(name, cut, MiB).length).toBeLessThan(plain.length);
        expect(name).toBe('snappy');
      } catch (error) {
        expect(error).toMatchObject({ code: 'corrupt' });
      }
    }
  });

  it('throws nothing but RecordsError for any changed byte', () => {
    const packed = compress(name, text.subarray(0, 300));
    for (let at = 0; at < packed.length; at++) {
      for (const change of [0x01, 0x40, 0x80, 0xff]) {
        packed[at]! ^= change;
        expect(['done', 'corrupt', 'too-large']).toContain(
          codeOf(() => decompress(name, packed, MiB)),
        );
        packed[at]! ^= change;
      }
    }
  });
});

describe('what other writers make', () => {
  it('raw snappy is read', () => {
    expect(decompress('snappy', compressSync(text), MiB).equals(text)).toBe(true);
  });

  it('snappy of many xerial chunks is written, of at most 32 KiB each', () => {
    const packed = compress('snappy', text);
    expect(packed.subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001');
    let chunks = 0;
    for (let at = 16; at < packed.length; at += 4 + packed.readInt32BE(at)) chunks++;
    expect(chunks).toBe(Math.ceil(text.length / limits.snappyChunkBytes));
  });

  it('lz4 is written with independent blocks, which Java clients need', () => {
    const packed = compress('lz4', text);
    expect(packed.readUInt32LE(0)).toBe(0x184d2204);
    expect(packed[4]! & 0b1110_0011).toBe(0b0110_0000);
  });

  it('lz4 with checksums of blocks and content is read, and bytes after it are left', () => {
    const packed = compressFrameSync(text, { blockChecksums: true, contentChecksum: true });
    expect(decompress('lz4', packed, text.length).equals(text)).toBe(true);
    const more = Buffer.concat([packed, Buffer.from('more')]);
    expect(decompress('lz4', more, MiB).equals(text)).toBe(true);
  });

  it('zstd frames in a row are read, and those that hold no data are stepped over', () => {
    const skipped = Buffer.from('502a4d1803000000aabbcc', 'hex');
    const packed = Buffer.concat([compress('zstd', text), skipped, compress('zstd', text)]);
    const plain = decompress('zstd', packed, 2 * text.length);
    expect(plain.equals(Buffer.concat([text, text]))).toBe(true);
  });

  it('zstd of many small blocks and no stated size is read within an exact limit', () => {
    const plain = randomBytes(2_000);
    const blocks = Array.from(plain, (_, at): [number, number, Buffer] => [
      0,
      1,
      plain.subarray(at, at + 1),
    ]);
    const packed = zstdFrame(blocks);
    expect(decompress('zstd', packed, plain.length).equals(plain)).toBe(true);
    expect(codeOf(() => decompress('zstd', packed, plain.length - 1))).toBe('too-large');
  });

  it('zstd that is streamed comes out whole, the last block too', () => {
    // Not a whole output buffer, so that the last block cannot leave the stream in one go.
    const block = randomBytes(100 * 1024);
    const runs = Array.from({ length: 40 }, (): [number, number, Buffer] => [
      1,
      128 * 1024,
      Buffer.from('z'),
    ]);
    const few = Array.from({ length: 20 }, (): [number, number, Buffer] => [0, 0, Buffer.alloc(0)]);
    const packed = zstdFrame([[0, block.length, block], ...few, ...runs]);
    const plain = Buffer.concat([block, Buffer.alloc(40 * 128 * 1024, 'z')]);
    expect(decompress('zstd', packed, plain.length).equals(plain)).toBe(true);
  });
});

describe('a zip bomb', () => {
  const zeros = Buffer.alloc(128 * MiB);
  const run: [number, number, Buffer] = [1, 128 * 1024, Buffer.from([0])];
  const bombs: [string, CompressionName, () => Buffer][] = [
    ['gzip', 'gzip', () => gzipSync(zeros, { level: 1 })],
    ['raw snappy', 'snappy', () => compressSync(zeros)],
    ['framed snappy', 'snappy', () => compress('snappy', zeros)],
    ['lz4', 'lz4', () => compressFrameSync(zeros)],
    ['zstd that states its size', 'zstd', () => compress('zstd', zeros)],
    ['zstd that does not', 'zstd', () => zstdFrame(Array.from({ length: 1024 }, () => run))],
  ];

  it.each(bombs)('of %s is refused before it takes memory', (_, name, build) => {
    const bomb = build();
    for (const bytesMax of [MiB, 16 * MiB]) {
      // Allocations outside the heap are what a decompressor makes; these are not yet collected.
      const before = process.memoryUsage().arrayBuffers;
      expect(codeOf(() => decompress(name, bomb, bytesMax))).toBe('too-large');
      const taken = process.memoryUsage().arrayBuffers - before;
      expect(taken).toBeLessThan(3 * bytesMax + 2 * limits.zstdPieceBytesMax);
    }
  });

  it.each<[string, CompressionName, string]>([
    ['raw snappy', 'snappy', 'ffffff1f00'],
    ['framed snappy', 'snappy', '82534e4150505900000000010000000100000005ffffff1f00'],
    ['zstd', 'zstd', '28b52ffda0ffffff03010000'],
    ['lz4', 'lz4', '04224d186870ffffff03000000000000000000'],
  ])('that only claims a size is refused: %s', (_, name, hex) => {
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(() => decompress(name, Buffer.from(hex, 'hex'), 64 * MiB))).toBe('corrupt');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MiB);
  });
});
