import { crc32c as nativeCrc32c } from '@node-rs/crc32';
import { randomBytes } from 'node:crypto';
import { crc32c, crc32cBetween } from './crc32c';

describe('crc32c', () => {
  it('has the check value of the algorithm', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('agrees with native code at every length around the border, and at every alignment', () => {
    const bytes = randomBytes(800);
    for (let length = 0; length <= 500; length++) {
      const start = length % 9;
      const native = nativeCrc32c(bytes.subarray(start, start + length));
      expect(crc32cBetween(bytes, start, start + length)).toBe(native);
    }
  });
});
