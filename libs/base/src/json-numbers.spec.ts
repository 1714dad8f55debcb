import fc from 'fast-check';
import { inexactNumber } from './json-numbers';

describe('a number that JavaScript would not keep', () => {
  it.each([
    ['9007199254740993', '9007199254740993'],
    ['{"id":12345678901234567890}', '12345678901234567890'],
    ['[1,-9223372036854775807]', '-9223372036854775807'],
    ['1e400', '1e400'],
    ['[0.1234567890123456789]', '0.1234567890123456789'],
    ['1e-400', '1e-400'],
    ['1.2345e-322', '1.2345e-322'],
    ['{"a":"1","b":[9007199254740993 ]}', '9007199254740993'],
  ])('is found in %s', (text, found) => {
    expect(inexactNumber(text)).toBe(found);
  });

  it.each([
    '9007199254740992',
    '1e300',
    '1.50',
    '-0.0',
    '0e5',
    '100000000000000000000',
    '{"a":"9007199254740993","b\\"9007199254740993":"\\\\"}',
    '0.1',
    '1E+2',
    'true',
  ])('is not in %s', (text) => {
    expect(inexactNumber(text)).toBeNull();
  });

  it('is none that JavaScript has written', () => {
    fc.assert(
      fc.property(fc.json(), (text) => inexactNumber(JSON.stringify(JSON.parse(text))) === null),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        return inexactNumber(JSON.stringify([value])) === null;
      }),
    );
  });

  it('is each integer that comes back as another', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), (value) => {
        // As JavaScript writes it, which may be another integer of the same double.
        const isKept = BigInt(Number(value)) === value;
        return isKept || inexactNumber(String(value)) !== null;
      }),
    );
  });
});
