import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { LentReplies } from './lent-replies';
import { ReplySieve } from './reply-sieve';

const KiB = 1024;
const lineEnd = Buffer.from('\r\n');

/** A value as Redis sends it; null is one that is not there. */
function bulk(value: Buffer | null): Buffer {
  if (value === null) return Buffer.from('$-1\r\n');
  return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, lineEnd]);
}

/** Values and lines, in any order: the sieve does not look at how they belong together. */
type Part = { line: string } | { value: Buffer | null };

const encode = (part: Part) =>
  'line' in part ? Buffer.from(`${part.line}\r\n`) : bulk(part.value);

/** Jest takes long over megabytes. */
function inShort(part: Part): string {
  if ('line' in part) return part.line;
  if (part.value === null) return 'null';
  return `${part.value.length} ${createHash('sha1').update(part.value).digest('hex')}`;
}

/** Reads what a sieve has forwarded; tokens are claimed. */
function read(bytes: Buffer, lent: LentReplies): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n', at);
    const line = bytes.toString('latin1', at, end);
    at = end + lineEnd.length;
    if (!line.startsWith('$')) {
      parts.push({ line });
      continue;
    }
    const length = Number(line.slice(1));
    if (length < 0) parts.push({ value: null });
    else {
      const value = lent.claim(bytes.subarray(at, at + length));
      parts.push({ value: Buffer.from(value.bytes) });
      value.release();
      at += length + lineEnd.length;
    }
  }
  return parts;
}

/** As on a connection that is ready. */
function activeLent(): LentReplies {
  const lent = new LentReplies();
  lent.begin();
  return lent;
}

/** Sends bytes through a sieve in pieces that lie in memory which is written again. */
function sift(bytes: Buffer, pieces: () => number): { forwarded: Buffer; lent: LentReplies } {
  const lent = activeLent();
  const forwarded: Buffer[] = [];
  const sieve = new ReplySieve(lent, (rest) => forwarded.push(rest));
  for (let at = 0; at < bytes.length;) {
    const piece = Buffer.from(bytes.subarray(at, (at += pieces())));
    sieve.push(piece);
    piece.fill(0xee);
  }
  return { forwarded: Buffer.concat(forwarded), lent };
}

// Eight bytes are what a token has, and no value of a stream entry.
const size = fc.oneof(
  fc.integer({ min: 0, max: 7 }),
  fc.integer({ min: 9, max: 1_500 }),
  fc.constantFrom(1_022, 1_023, 1_024, 1_025, 70_000, 1_100_000),
);
const part: fc.Arbitrary<Part> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom('*2', '*-1', ':12', '+OK', '-ERR $5 no').map((line) => ({ line })),
  },
  { weight: 1, arbitrary: fc.constant({ value: null }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(size, fc.nat(255))
      .map(([bytes, fill]) => ({ value: Buffer.alloc(bytes, `${fill}\r\n$9\r\n`) })),
  },
);

describe('ReplySieve', () => {
  it('takes large values out and leaves the rest, however the bytes are cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 20 });
    const small = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.oneof(cuts, small), (parts, sizes) => {
        let n = 0;
        const bytes = Buffer.concat(parts.map(encode));
        // Very small pieces of very large values take long, and show nothing new.
        const least = bytes.length > 20_000 ? 2_000 : 1;
        const pieces = () => Math.max(least, sizes[n++ % sizes.length]!);
        const { forwarded, lent } = sift(bytes, pieces);
        expect(forwarded.length).toBeLessThanOrEqual(bytes.length);
        expect(read(forwarded, lent).map(inShort)).toEqual(parts.map(inShort));
        expect(lent.unclaimed).toBe(0);
      }),
    );
  });

  it('forwards a token only when its whole value has come', () => {
    const lent = activeLent();
    const forwarded: string[] = [];
    const sieve = new ReplySieve(lent, (rest) => forwarded.push(rest.toString('latin1')));
    const value = bulk(Buffer.alloc(2 * KiB, 'x'));
    sieve.push(value.subarray(0, -1));
    expect(forwarded.join('')).toBe('');
    sieve.push(value.subarray(-1));
    expect(forwarded.join('')).toMatch(/^\$8\r\n/);
  });

  it('leaves all as it is until the connection is ready', () => {
    const forwarded: Buffer[] = [];
    const sieve = new ReplySieve(new LentReplies(), (rest) => forwarded.push(rest));
    const value = bulk(Buffer.alloc(2 * KiB, 'x'));
    sieve.push(value.subarray(0, 1_000));
    sieve.push(value.subarray(1_000));
    expect(Buffer.concat(forwarded).equals(value)).toBe(true);
  });

  it('refuses what is not the protocol', () => {
    const sieve = new ReplySieve(new LentReplies(), () => {});
    expect(() => sieve.push(Buffer.from('$many\r\n'))).toThrow('no number');
    const other = new ReplySieve(new LentReplies(), () => {});
    expect(() => other.push(Buffer.alloc(100 * KiB, 'x'))).toThrow('endless line');
  });
});

describe('LentReplies', () => {
  it('writes over memory when it is released, and not before', () => {
    const lent = new LentReplies();
    const first = Array.from({ length: 16 }, () => lent.take(64 * KiB));
    const memory = first[0]!.bytes.buffer;
    expect(new Set(first.map(({ bytes }) => bytes.buffer))).toEqual(new Set([memory]));
    const held = first.pop()!;
    for (const one of first) one.release();
    expect(lent.take(64 * KiB).bytes.buffer).not.toBe(memory);
    held.release();
    held.release();
    // The slab that is being filled comes first, then the one that is free.
    const next = Array.from({ length: 16 }, () => lent.take(64 * KiB).bytes.buffer);
    expect(next.at(-1)).toBe(memory);
  });

  it('never lends the same bytes twice', () => {
    const take = fc.record({ bytes: fc.integer({ min: 1, max: 700 * KiB }), keep: fc.boolean() });
    fc.assert(
      fc.property(fc.array(take, { maxLength: 40 }), (takes) => {
        const lent = new LentReplies();
        const kept: { bytes: Buffer; mark: number }[] = [];
        takes.forEach(({ bytes, keep }, at) => {
          const one = lent.take(bytes);
          const mark = at + 1;
          one.bytes.fill(mark);
          if (keep) kept.push({ bytes: one.bytes, mark });
          else one.release();
        });
        for (const { bytes, mark } of kept) {
          expect([bytes[0], bytes.at(-1)]).toEqual([mark, mark]);
        }
      }),
    );
  });
});
