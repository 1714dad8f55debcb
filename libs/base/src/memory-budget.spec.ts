import { MemoryBudget } from './memory-budget';

describe('MemoryBudget', () => {
  it('grants in the order of asking, as bytes come back', () => {
    const budget = new MemoryBudget(100);
    const granted: string[] = [];
    budget.take(90);
    budget.reserve(50, () => granted.push('first'));
    budget.reserve(10, () => granted.push('second'));
    expect(granted).toEqual([]);
    budget.release(40);
    expect(granted).toEqual(['first']);
    budget.release(50);
    expect(granted).toEqual(['first', 'second']);
    expect(budget.bytesUsed).toBe(60);
  });

  it('does not let a small one pass a large one that waits', () => {
    const budget = new MemoryBudget(100);
    budget.take(60);
    budget.reserve(50, () => {});
    expect(budget.contended).toBe(true);
    expect(budget.tryReserve(1)).toBe(false);
  });

  it('grants what is larger than the whole budget once nothing else is in use', () => {
    const budget = new MemoryBudget(100);
    budget.take(1);
    let granted = false;
    budget.reserve(500, () => (granted = true));
    expect(granted).toBe(false);
    budget.release(1);
    expect(granted).toBe(true);
  });

  it('lets the next go on when one that waits gives up', () => {
    const budget = new MemoryBudget(100);
    budget.take(60);
    const giveUp = budget.reserve(90, () => {
      throw new Error('granted after giving up');
    });
    let granted = false;
    budget.reserve(40, () => (granted = true));
    giveUp();
    expect(granted).toBe(true);
    expect(budget.bytesFree).toBe(0);
    budget.release(100);
    expect(budget.bytesUsed).toBe(0);
  });
});
