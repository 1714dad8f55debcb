import { slotOf } from './slots';

describe('the slot of a key', () => {
  // As CLUSTER KEYSLOT of Redis 7.0 answers.
  it.each([
    ['foo', 12182],
    ['123456789', 12739],
    ['{user1000}.following', 3443],
    ['sluice:{user1000}:x', 3443],
    ['foo{}{bar}', 8363],
    ['foo{{bar}}zap', 4015],
    ['', 0],
  ])('%s is %i', (key, slot) => {
    expect(slotOf(key)).toBe(slot);
    expect(slotOf(Buffer.from(key))).toBe(slot);
  });

  it('is that of the bytes, whatever they are', () => {
    expect(slotOf('{ü}:x')).toBe(slotOf(Buffer.from('ü')));
  });
});
