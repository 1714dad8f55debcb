import { SeededRandom } from '../seeded-random';
import { allFaults } from './all-faults';
import { makeSchedule } from './schedule';

const make = (seed: number, seconds: number) =>
  makeSchedule(new SeededRandom(seed), { seconds, faults: allFaults });

const windowOf = ({ atMs }: { atMs: number }) => Math.floor(atMs / 30_000);

describe('a schedule', () => {
  it('is decided by its seed', () => {
    expect(make(7, 600)).toEqual(make(7, 600));
    expect(make(8, 600)).not.toEqual(make(7, 600));
  });

  it('leaves a quarter of a long run quiet, and has a fault every 5 to 15 s of the rest', () => {
    const seconds = 3_600;
    const planned = make(1, seconds);
    const busy = new Set(planned.map(windowOf));
    expect(busy.size).toBe((3 / 4) * (seconds / 30));
    for (const [i, one] of planned.entries()) {
      const before = planned[i - 1];
      if (before === undefined || windowOf(before) !== windowOf(one)) continue;
      expect(one.atMs - before.atMs).toBeGreaterThanOrEqual(5_000);
      expect(one.atMs - before.atMs).toBeLessThanOrEqual(15_000);
    }
  });

  it('mixes at most three kinds at a time, and lets every kind happen', () => {
    const planned = make(3, 3_600);
    const windows = new Map<number, Set<string>>();
    for (const { atMs, fault } of planned) {
      const window = windowOf({ atMs });
      windows.set(window, (windows.get(window) ?? new Set<string>()).add(fault.name));
    }
    for (const kinds of windows.values()) expect(kinds.size).toBeLessThanOrEqual(3);
    const seen = new Set(planned.map(({ fault }) => fault.name));
    expect(seen).toEqual(new Set(allFaults.map(({ name }) => name)));
  });

  it('fits a short run, which begins and ends quietly', () => {
    const planned = make(5, 10);
    expect(planned.length).toBeGreaterThan(3);
    for (const { atMs } of planned) {
      expect(atMs).toBeGreaterThanOrEqual(2_000);
      expect(atMs).toBeLessThan(8_000);
    }
  });

  it('lets every kind happen as often as it is asked to', () => {
    const seconds = 1_200;
    const planned = makeSchedule(new SeededRandom(4), { seconds, faults: allFaults, each: 30 });
    for (const kind of allFaults) {
      expect(planned.filter(({ fault }) => fault === kind)).toHaveLength(30);
    }
    expect(planned.map(({ atMs }) => atMs)).toEqual(
      planned.map(({ atMs }) => atMs).sort((a, b) => a - b),
    );
    const quiet = planned.filter((one) => windowOf(one) % 4 === 0);
    expect(quiet).toEqual([]);
    // Most are short, and some are as long as ever.
    const long = planned.filter(({ fault, forMs }) => forMs > fault.lasts.most * 700);
    expect(long.length).toBeGreaterThan(planned.length / 20);
    expect(long.length).toBeLessThan(planned.length / 5);
  });

  it('is empty without faults', () => {
    expect(makeSchedule(new SeededRandom(1), { seconds: 60, faults: [] })).toEqual([]);
  });
});
