import { SparePool } from './spare-pool';

describe('SparePool', () => {
  it('hands out the same memory again, by size', () => {
    const pool = new SparePool({ spareBytesMax: 1_000 });
    const first = pool.take(100);
    expect(first.byteLength).toBe(first.buffer.byteLength);
    pool.giveBack(first);
    expect(pool.spareBytes).toBe(100);
    expect(pool.take(50)).not.toBe(first);
    expect(pool.take(100)).toBe(first);
    expect(pool.spareBytes).toBe(0);
  });

  it('keeps no more than its limits, of all sizes and of one', () => {
    const pool = new SparePool({ spareBytesMax: 250, sparesPerSizeMax: 2 });
    for (let i = 0; i < 5; i++) pool.giveBack(Buffer.alloc(10));
    expect(pool.spareBytes).toBe(20);
    pool.giveBack(Buffer.alloc(200));
    pool.giveBack(Buffer.alloc(40));
    expect(pool.spareBytes).toBe(220);
  });
});
