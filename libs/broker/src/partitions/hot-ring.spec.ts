import fc from 'fast-check';
import { HotMemory } from './hot-memory';
import { HotRing } from './hot-ring';

const MiB = 1024 * 1024;

/** A stand-in for a batch: its base offset and record count, then filling. */
function batch(baseOffset: number, records: number, size: number): Buffer {
  const bytes = Buffer.alloc(Math.max(size, 16), 7);
  bytes.writeDoubleBE(baseOffset, 0);
  bytes.writeInt32BE(records, 8);
  bytes.writeInt32BE(bytes.length, 12);
  return bytes;
}

/** Takes a run apart into base offset and record count again. */
function parse(chunks: Buffer[]): { baseOffset: number; records: number }[] {
  const bytes = Buffer.concat(chunks);
  const batches = [];
  for (let at = 0; at < bytes.length; at += bytes.readInt32BE(at + 12)) {
    batches.push({ baseOffset: bytes.readDoubleBE(at), records: bytes.readInt32BE(at + 8) });
  }
  return batches;
}

describe('HotRing', () => {
  it('gives whole batches from the one that holds the offset, also mid-batch', () => {
    const ring = new HotRing(new HotMemory(MiB));
    ring.push(batch(10, 5, 100), 10, 15);
    ring.push(batch(15, 5, 100), 15, 20);
    expect(parse(ring.read(12, 1000)!.chunks).map(({ baseOffset }) => baseOffset)).toEqual([
      10, 15,
    ]);
    expect(parse(ring.read(15, 1000)!.chunks).map(({ baseOffset }) => baseOffset)).toEqual([15]);
    expect(ring.read(9, 1000)).toBeNull();
    expect(ring.read(20, 1000)).toBeNull();
  });

  it('gives one batch even when that is more than was asked for', () => {
    const ring = new HotRing(new HotMemory(MiB));
    ring.push(batch(0, 1, 5000), 0, 1);
    ring.push(batch(1, 1, 5000), 1, 2);
    expect(ring.read(0, 10)!.nextOffset).toBe(1);
    expect(ring.read(0, 9_999)!.nextOffset).toBe(1);
    expect(ring.read(0, 10_000)!.nextOffset).toBe(2);
  });

  it('serves many small neighbours as one slice', () => {
    const ring = new HotRing(new HotMemory(4 * MiB));
    for (let offset = 0; offset < 100; offset++) {
      ring.push(batch(offset, 1, 80), offset, offset + 1);
    }
    expect(ring.read(0, MiB)!.chunks).toHaveLength(1);
  });

  it('does not write to memory that is still being sent, and uses it again afterwards', () => {
    const memory = new HotMemory(64 * 1024);
    const ring = new HotRing(memory);
    ring.push(batch(0, 1, 30_000), 0, 1);
    const run = ring.read(0, MiB)!;
    const [sent] = run.chunks;
    const before = Buffer.from(sent!);
    for (let offset = 1; offset < 50; offset++) {
      ring.push(batch(offset, 1, 30_000), offset, offset + 1);
    }
    expect(ring.holds(0)).toBe(false);
    expect(sent!.equals(before)).toBe(true);
    run.release!();
    run.release!();
    ring.clear();
    ring.push(batch(60, 1, 30_000), 60, 61);
    expect(ring.read(60, MiB)!.chunks[0]!.buffer).toBe(sent!.buffer);
  });

  it('lets go of large batches when it forgets them', () => {
    const memory = new HotMemory(4 * MiB);
    const ring = new HotRing(memory);
    for (let offset = 0; offset < 50; offset++) {
      ring.push(batch(offset, 1, 600_000), offset, offset + 1);
    }
    expect(memory.bytesUsed).toBeLessThanOrEqual(4 * MiB);
    expect(memory.bytesHeld).toBe(memory.bytesUsed);
  });

  it('keeps little of rings that come and go, whatever the size of their batches', () => {
    const memory = new HotMemory(64 * MiB);
    for (let n = 0; n < 300; n++) {
      const ring = new HotRing(memory);
      ring.push(batch(0, 1, 40_000 + n * 1500), 0, 1);
      ring.clear();
    }
    expect(memory.bytesUsed).toBe(0);
    expect(memory.bytesHeld).toBeLessThanOrEqual(16 * MiB);
  });

  it('keeps nothing where it is given no memory', () => {
    const ring = new HotRing(new HotMemory(0));
    ring.push(batch(0, 1, 100), 0, 1);
    expect(ring.holds(0)).toBe(false);
  });

  it('starts again after a hole, and ignores what it already has', () => {
    const ring = new HotRing(new HotMemory(MiB));
    ring.push(batch(0, 5, 100), 0, 5);
    ring.push(batch(3, 1, 100), 3, 4);
    ring.push(batch(9, 1, 100), 9, 10);
    expect(ring.read(0, 1000)).toBeNull();
    expect(ring.read(9, 1000)!.nextOffset).toBe(10);
  });

  it('shares its memory with other rings; the oldest goes first', () => {
    const memory = new HotMemory(300_000);
    const [a, b] = [new HotRing(memory), new HotRing(memory)];
    a.push(batch(0, 1, 100_000), 0, 1);
    b.push(batch(0, 1, 100_000), 0, 1);
    a.push(batch(1, 1, 100_000), 1, 2);
    a.push(batch(2, 1, 100_000), 2, 3);
    expect(memory.bytesUsed).toBeLessThanOrEqual(300_000);
    expect(a.read(0, 1)).toBeNull();
    expect(a.read(1, 1)).not.toBeNull();
    b.clear();
    a.clear();
    expect(memory.bytesUsed).toBe(0);
  });

  it('agrees with a plain list over random histories', () => {
    const push = fc.record({
      records: fc.integer({ min: 1, max: 5 }),
      size: fc.oneof(fc.integer({ min: 16, max: 400 }), fc.integer({ min: 10_000, max: 40_000 })),
    });
    const read = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bytes: fc.nat(60_000),
    });
    fc.assert(
      fc.property(
        fc.array(push, { maxLength: 60 }),
        fc.array(read, { maxLength: 20 }),
        (pushes, reads) => {
          const ring = new HotRing(new HotMemory(64 * MiB));
          const list: { base: number; next: number; size: number }[] = [];
          let next = 7;
          for (const { records, size } of pushes) {
            const bytes = batch(next, records, size);
            ring.push(bytes, next, next + records);
            list.push({ base: next, next: next + records, size: bytes.length });
            next += records;
          }
          for (const { at, bytes } of reads) {
            const offset = 5 + Math.floor(at * (next - 3));
            const run = ring.read(offset, bytes);
            const first = list.findIndex((one) => one.base <= offset && offset < one.next);
            expect(run === null).toBe(first < 0);
            if (!run) continue;
            let last = first;
            let total = list[first]!.size;
            while (last + 1 < list.length && total + list[last + 1]!.size <= bytes) {
              total += list[++last]!.size;
            }
            expect(parse(run.chunks).map(({ baseOffset }) => baseOffset)).toEqual(
              list.slice(first, last + 1).map(({ base }) => base),
            );
            expect(run).toMatchObject({ bytes: total, nextOffset: list[last]!.next });
          }
        },
      ),
    );
  });
});
