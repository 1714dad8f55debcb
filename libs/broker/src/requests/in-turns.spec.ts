import { inTurns } from './in-turns';

describe('inTurns', () => {
  test('keeps the order of the items, and runs no more than the limit at once', async () => {
    let running = 0;
    let most = 0;
    const results = await inTurns([3, 1, 2, 5, 4], 2, async (item) => {
      most = Math.max(most, ++running);
      for (let i = 0; i < item; i++) await Promise.resolve();
      running--;
      return item * 10;
    });
    expect(results).toEqual([30, 10, 20, 50, 40]);
    expect(most).toBe(2);
  });

  test('starts nothing further after a failure', async () => {
    const started: number[] = [];
    const run = inTurns([1, 2, 3], 1, (item) => {
      started.push(item);
      if (item === 2) throw new Error('two');
    });
    await expect(run).rejects.toThrow('two');
    expect(started).toEqual([1, 2]);
  });

  test('has nothing to do for nothing', async () => {
    expect(await inTurns([], 4, () => 1)).toEqual([]);
  });
});
