import { MemoryBudget } from '@sluice/base';
import { type ColdRun, emptyRun } from './cold-run';
import { ReadAhead, type Wanted } from './read-ahead';

/** Runs of ten offsets each, and which of them were read. */
function wanted(depth: number, endOffset: number) {
  const reads: number[] = [];
  const read = (offset: number): Promise<ColdRun> => {
    reads.push(offset);
    return Promise.resolve({ ...emptyRun(offset + 10), chunks: [Buffer.alloc(1)], bytes: 1 });
  };
  const options: Wanted = { depth, bytes: 100, endOffset, read };
  return { reads, options };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('ReadAhead', () => {
  it('reads the next portions one after the other, and not beyond the end', async () => {
    const ahead = new ReadAhead(new MemoryBudget(1_000));
    const { reads, options } = wanted(3, 25);
    ahead.extend(10, options);
    await settled();
    expect(reads).toEqual([10, 20]);
  });

  it('serves each portion once, and goes on behind what is already there', async () => {
    const budget = new MemoryBudget(1_000);
    const ahead = new ReadAhead(budget);
    const { reads, options } = wanted(2, 1_000);
    ahead.extend(0, options);
    await settled();
    expect((await ahead.take(0))!.nextOffset).toBe(10);
    expect(ahead.take(0)).toBeNull();
    ahead.extend(10, options);
    await settled();
    expect(reads).toEqual([0, 10, 20]);
    expect(budget.bytesUsed).toBe(200);
  });

  it('reads nothing ahead for which there is no room', async () => {
    const ahead = new ReadAhead(new MemoryBudget(150));
    const { reads, options } = wanted(3, 1_000);
    ahead.extend(0, options);
    await settled();
    expect(reads).toEqual([0]);
  });

  it('gives its memory back and stops when all is forgotten', async () => {
    const budget = new MemoryBudget(1_000);
    const ahead = new ReadAhead(budget);
    const { reads, options } = wanted(3, 1_000);
    ahead.extend(0, options);
    ahead.clear();
    await settled();
    expect([reads, budget.bytesUsed]).toEqual([[0], 0]);
  });

  it('leaves errors to the reader', async () => {
    const ahead = new ReadAhead(new MemoryBudget(1_000));
    const wanted = { depth: 2, bytes: 1, endOffset: 10 };
    ahead.extend(0, { ...wanted, read: () => Promise.reject(new Error('Redis is away')) });
    expect(await ahead.take(0)).toBeNull();
  });
});
