import fc from 'fast-check';

import { FrameReader } from './framing';
import { wireLimits } from './limits';
import { MalformedError } from './malformed-error';

function framed(...bodies: readonly Buffer[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const size = Buffer.alloc(4);
      size.writeInt32BE(body.length);
      return [size, body];
    }),
  );
}

const bodies = [Buffer.from('first'), Buffer.alloc(0), Buffer.from('the second frame')];
const stream = framed(...bodies);

describe('FrameReader', () => {
  test('a stream cut in three at any two places gives the same frames', () => {
    for (let one = 0; one <= stream.length; one += 1) {
      for (let two = one; two <= stream.length; two += 1) {
        const reader = new FrameReader({ frameBytesMax: 100 });
        const chunks = [stream.subarray(0, one), stream.subarray(one, two), stream.subarray(two)];
        expect(chunks.flatMap((chunk) => reader.push(chunk))).toEqual(bodies);
        expect([reader.frameBytes, reader.partialBytes]).toEqual([0, 0]);
      }
    }
  });

  test('a stream that comes byte by byte gives the same frames', () => {
    const reader = new FrameReader({ frameBytesMax: 100 });
    const frames = [...stream].flatMap((byte) => reader.push(Buffer.from([byte])));
    expect(frames).toEqual(bodies);
  });

  test('random frames in random pieces', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 8 });
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.integer({ min: 1, max: 2000 })), (lengths, cuts) => {
        const sent = lengths.map((length, index) => Buffer.alloc(length, index));
        const all = framed(...sent);
        const reader = new FrameReader({ frameBytesMax: 3000 });
        const frames: Buffer[] = [];
        for (let at = 0; at < all.length;) {
          const next = at + cuts.next().value!;
          frames.push(...reader.push(all.subarray(at, next)));
          at = next;
        }
        expect(frames).toEqual(sent);
      }),
      { numRuns: 30 },
    );
  });

  test('it says how large the frame under way is and how much of it has come', () => {
    const reader = new FrameReader({ frameBytesMax: 100 });
    reader.push(stream.subarray(0, 3));
    expect([reader.frameBytes, reader.partialBytes]).toEqual([0, 3]);
    reader.push(stream.subarray(3, 6));
    expect([reader.frameBytes, reader.partialBytes]).toEqual([5, 6]);
    reader.push(stream.subarray(6, 9));
    expect([reader.frameBytes, reader.partialBytes]).toEqual([0, 0]);
  });

  test('a frame inside a chunk is a view of it', () => {
    const [frame] = new FrameReader({ frameBytesMax: 100 }).push(stream);
    expect(frame!.buffer).toBe(stream.buffer);
  });

  test.each([-1, -2_147_483_648, 101, 2_147_483_647])('a size of %d is refused', (size) => {
    const head = Buffer.alloc(4);
    head.writeInt32BE(size);
    expect(() => new FrameReader({ frameBytesMax: 100 }).push(head)).toThrow(MalformedError);
    const reader = new FrameReader({ frameBytesMax: 100 });
    reader.push(head.subarray(0, 2));
    expect(() => reader.push(head.subarray(2))).toThrow(MalformedError);
  });

  test('it keeps its frames when the memory of the chunks is written again', () => {
    const sizes = [3, 0, 40_000, 7, 16_384, 1, 1, 200_000, 5];
    const bodies = sizes.map((size, n) => Buffer.alloc(size, n + 1));
    const stream = Buffer.concat(
      bodies.flatMap((body) => {
        const head = Buffer.alloc(4);
        head.writeInt32BE(body.length);
        return [head, body];
      }),
    );
    for (const step of [1_000, 4_099, 70_000, stream.length]) {
      const reader = new FrameReader({ frameBytesMax: 1_000_000, chunksAreReused: true });
      const reused = Buffer.alloc(step);
      const frames: Buffer[] = [];
      for (let at = 0; at < stream.length; at += step) {
        const bytes = stream.copy(reused, 0, at, at + step);
        frames.push(...reader.push(reused.subarray(0, bytes)));
        reused.fill(0xff);
      }
      expect(frames.map(({ length }) => length)).toEqual(sizes);
      expect(frames.every((frame, n) => frame.equals(bodies[n]!))).toBe(true);
    }
  });

  test('a size that is only announced does not cost memory', () => {
    const head = Buffer.alloc(5);
    head.writeInt32BE(100 * 1024 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 8 }, () => new FrameReader({ frameBytesMax: 2 ** 30 }));
    for (const reader of readers) reader.push(head);
    const grown = process.memoryUsage().arrayBuffers - before;
    expect(grown).toBeLessThan(9 * wireLimits.frameBytesAtFirst);
    expect(readers[0]!.frameBytes).toBe(100 * 1024 * 1024);
  });

  test('a frame larger than the first allocation arrives whole', () => {
    const large = Buffer.alloc(3 * wireLimits.frameBytesAtFirst + 7);
    for (let at = 0; at < large.length; at += 1) large[at] = at % 251;
    const all = framed(large);
    const reader = new FrameReader({ frameBytesMax: large.length });
    const frames: Buffer[] = [];
    for (let at = 0; at < all.length; at += 65_536) {
      frames.push(...reader.push(all.subarray(at, at + 65_536)));
    }
    expect(frames).toHaveLength(1);
    expect(frames[0]!.equals(large)).toBe(true);
  });
});
