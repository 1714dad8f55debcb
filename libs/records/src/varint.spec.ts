import * as fc from 'fast-check';
import { RecordsError } from './errors';
import { Cursor, varintBytes, writeVarint } from './varint';

const written = (value: number): Buffer => {
  const buffer = Buffer.alloc(10);
  return buffer.subarray(0, writeVarint(buffer, value, 0));
};

/** The definition, in the arithmetic that cannot go wrong. */
const expected = (value: number): Buffer => {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
};

const safeInteger = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 30, -(2 ** 30) - 1),
);

describe('varints', () => {
  it.each([
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [-64, '7f'],
    [64, '8001'],
    [300, 'd804'],
    [0x7fffffff, 'feffffff0f'],
    [-0x80000000, 'ffffffff0f'],
    [Number.MAX_SAFE_INTEGER, 'feffffffffffff1f'],
    [Number.MIN_SAFE_INTEGER, 'fdffffffffffff1f'],
  ])('%d is %s', (value, hex) => {
    expect(written(value).toString('hex')).toBe(hex);
    expect(varintBytes(value)).toBe(hex.length / 2);
    expect(new Cursor(Buffer.from(hex, 'hex')).varlong()).toBe(value);
  });

  it('are written as the definition has them, and read back', () => {
    fc.assert(
      fc.property(safeInteger, (value) => {
        const bytes = written(value);
        expect(bytes.toString('hex')).toBe(expected(value).toString('hex'));
        expect(varintBytes(value)).toBe(bytes.length);
        const cursor = new Cursor(bytes);
        expect(cursor.varlong()).toBe(value);
        expect(cursor.at).toBe(bytes.length);
        if (value === (value | 0)) expect(new Cursor(bytes).varint()).toBe(value);
      }),
    );
  });

  it.each([
    ['an int32 of more than 32 bits', 'ffffffff1f'],
    ['an int32 of six bytes', '808080808000'],
  ])('refuse %s', (_, hex) => {
    expect(() => new Cursor(Buffer.from(hex, 'hex')).varint()).toThrow(RecordsError);
  });

  it.each([
    ['2^53', '8080808080808020'],
    ['the largest int64', 'feffffffffffffffff01'],
    ['the smallest int64', 'ffffffffffffffffff01'],
    ['eleven bytes', '8080808080808080808000'],
  ])('refuse %s as a number', (_, hex) => {
    expect(() => new Cursor(Buffer.from(hex, 'hex')).varlong()).toThrow(
      expect.objectContaining({ code: 'invalid-record' }),
    );
  });

  it('take padding, which other writers may make', () => {
    expect(new Cursor(Buffer.from('828000', 'hex')).varint()).toBe(1);
    expect(new Cursor(Buffer.from('82808080808080808000', 'hex')).varlong()).toBe(1);
  });

  it('end with the bytes', () => {
    for (const hex of ['', '80', 'ffffff']) {
      expect(() => new Cursor(Buffer.from(hex, 'hex')).varint()).toThrow(RecordsError);
      expect(() => new Cursor(Buffer.from(hex, 'hex')).varlong()).toThrow(RecordsError);
    }
  });
});

describe('Cursor', () => {
  it('never passes its end, nor goes back', () => {
    const cursor = new Cursor(Buffer.alloc(10), 0, 4);
    expect(cursor.take(3)).toHaveLength(3);
    expect(() => cursor.skip(2)).toThrow(RecordsError);
    expect(() => cursor.take(-1)).toThrow(RecordsError);
    expect(cursor.take(1)).toHaveLength(1);
    expect(() => cursor.varint()).toThrow(RecordsError);
  });
});
