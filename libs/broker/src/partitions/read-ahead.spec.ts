import { MemoryBudget } from '@sluice/base';
import { LeaderEpochs, type PartitionBounds, type PartitionStore } from '@sluice/log';
import { ColdReads } from './cold-reads';
import { addBatch, type ColdRun, emptyRun } from './cold-run';
import { ReadAhead, type Reserve, type Wanted } from './read-ahead';

const MiB = 1024 * 1024;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Runs of ten offsets and 50 bytes each, which may come to 100; and which of them were read. */
function wanted(depth: number, endOffset: number) {
  const reads: number[] = [];
  let released = 0;
  const read = (run: ColdRun, reserve: Reserve): Promise<ColdRun> => {
    if (!reserve(100)) return Promise.resolve(run);
    reads.push(run.nextOffset);
    const lastOffset = run.nextOffset + 9;
    const bytes = Buffer.alloc(50);
    addBatch(run, { baseOffset: run.nextOffset, lastOffset, bytes, release: () => released++ });
    return Promise.resolve(run);
  };
  const options: Wanted = { depth, endOffset, read };
  return { reads, options, released: () => released };
}

function readInVain(_run: ColdRun, reserve: Reserve): Promise<ColdRun> {
  reserve(10);
  return Promise.reject(new Error('Redis is away'));
}

describe('ReadAhead', () => {
  it('reads the next portions one after the other, and not beyond the end', async () => {
    const ahead = new ReadAhead(new MemoryBudget(1_000));
    const { reads, options } = wanted(3, 25);
    ahead.extend(10, null, options);
    await settled();
    expect(reads).toEqual([10, 20]);
  });

  it('serves each portion once, and goes on behind what is already there', async () => {
    const budget = new MemoryBudget(1_000);
    const ahead = new ReadAhead(budget);
    const { reads, options } = wanted(2, 1_000);
    ahead.extend(0, null, options);
    expect(budget.bytesUsed).toBe(100);
    await settled();
    expect((await ahead.take(0))!.nextOffset).toBe(10);
    expect(ahead.take(0)).toBeNull();
    ahead.extend(10, null, options);
    await settled();
    expect(reads).toEqual([0, 10, 20]);
    // What is there counts for what it has.
    expect(budget.bytesUsed).toBe(2 * 50);
  });

  it('reads nothing ahead for which there is no room', async () => {
    const budget = new MemoryBudget(140);
    const ahead = new ReadAhead(budget);
    const { reads, options } = wanted(3, 1_000);
    ahead.extend(0, null, options);
    await settled();
    expect(reads).toEqual([0]);
    expect(budget.bytesUsed).toBe(50);
    const none = new MemoryBudget(99);
    new ReadAhead(none).extend(0, null, options);
    expect([reads, none.bytesUsed]).toEqual([[0], 0]);
  });

  it('forgets what begins below the log start', async () => {
    const budget = new MemoryBudget(1_000);
    const ahead = new ReadAhead(budget);
    const { options, released } = wanted(2, 1_000);
    ahead.extend(0, null, options);
    await settled();
    ahead.dropBelow(10);
    expect([released(), budget.bytesUsed]).toEqual([1, 50]);
    expect(ahead.take(0)).toBeNull();
    expect((await ahead.take(10))!.nextOffset).toBe(20);
  });

  it('counts what it is given, and gives it back where there is no room', async () => {
    const { reads, options, released } = wanted(1, 1_000);
    const start = await options.read(emptyRun(0), () => true);
    const budget = new MemoryBudget(149);
    budget.take(100);
    new ReadAhead(budget).extend(0, start, options);
    expect([reads, released(), budget.bytesUsed]).toEqual([[0], 1, 100]);
  });

  it('gives all memory back when all is forgotten, as soon as nothing is on its way', async () => {
    const budget = new MemoryBudget(1_000);
    const ahead = new ReadAhead(budget);
    const { reads, options, released } = wanted(3, 1_000);
    ahead.extend(0, null, options);
    ahead.clear();
    expect(budget.bytesUsed).toBe(100);
    await settled();
    expect([reads, budget.bytesUsed, released()]).toEqual([[0], 0, 1]);
    ahead.extend(0, null, options);
    await settled();
    ahead.clear();
    expect([budget.bytesUsed, released()]).toEqual([0, 4]);
  });

  it('leaves errors to the reader', async () => {
    const budget = new MemoryBudget(1_000);
    const ahead = new ReadAhead(budget);
    ahead.extend(0, null, { depth: 2, endOffset: 10, read: readInVain });
    expect(await ahead.take(0)).toBeNull();
    ahead.extend(0, null, { depth: 2, endOffset: 10, read: readInVain });
    await settled();
    expect([ahead.take(0), budget.bytesUsed]).toEqual([null, 0]);
  });
});

describe('ColdReads', () => {
  it('has no more in memory for those who read on than there is room for', async () => {
    const bytesMax = 64 * MiB;
    const batchBytes = 8 * MiB;
    const bytes = Buffer.alloc(batchBytes);
    let inMemory = 0;
    let most = 0;
    const release = () => void (inMemory -= batchBytes);
    const readLent = async (
      _ref: unknown,
      fromOffset: number,
      { entries }: { entries: number },
    ) => {
      inMemory += entries * batchBytes;
      most = Math.max(most, inMemory);
      await settled();
      return Array.from({ length: entries }, (_, i) => {
        const lastOffset = fromOffset + i;
        return { baseOffset: lastOffset, lastOffset, bytes, release };
      });
    };
    const store = { readLent } as unknown as PartitionStore;
    const budget = new MemoryBudget(bytesMax);
    const bounds: PartitionBounds = {
      logStartOffset: 0,
      logEndOffset: 1_000,
      highWatermark: 1_000,
      lastStableOffset: 1_000,
      bytes: 1_000 * batchBytes,
      batches: 1_000,
      largestBatchBytes: batchBytes,
      maxTimestampMs: 1,
      leaderEpoch: 0,
      leaderEpochs: LeaderEpochs.first,
    };
    const readOn = async (partition: number): Promise<void> => {
      const ref = { topic: 't', topicId: 'x', partition };
      const cold = new ColdReads({ store, ref, budget, isHot: () => false });
      for (let offset = 0; offset < 12;) {
        const run = await cold.read(offset, MiB, bounds);
        expect(budget.bytesUsed).toBeLessThanOrEqual(bytesMax);
        offset = run.nextOffset;
        run.release();
        await settled();
      }
    };
    const readers = 20;
    await Promise.all(Array.from({ length: readers }, (_, i) => readOn(i)));
    await settled();
    // Beside what is read ahead, each reader has what it reads itself.
    expect(most).toBeLessThanOrEqual(bytesMax + readers * batchBytes);
    expect(inMemory).toBe(budget.bytesUsed);
    expect(inMemory).toBeGreaterThan(0);
  });
});
