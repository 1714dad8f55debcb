import { InFlight } from './in-flight';
import { SkippedRecords } from './skipped-records';

describe('records in flight', () => {
  it('have the first that is not dealt with as progress, in whatever order they end', () => {
    const flight = new InFlight(10);
    expect(flight.progress).toBe(10);
    for (const offset of [10, 11, 12]) flight.add(offset);
    flight.pass(10, 15);
    flight.add(15);
    expect(flight.acknowledge(11)).toBe(false);
    expect(flight.acknowledge(15)).toBe(false);
    expect(flight.progress).toBe(10);
    expect(flight.acknowledge(10)).toBe(true);
    expect(flight.progress).toBe(12);
    expect(flight.acknowledge(12)).toBe(true);
    expect(flight.progress).toBe(16);
    expect(flight.outCount).toBe(0);
  });

  it('pass over offsets that hold nothing, but never over what is out', () => {
    const flight = new InFlight(0);
    flight.add(0);
    flight.pass(1, 5);
    expect(flight.progress).toBe(0);
    flight.acknowledge(0);
    expect(flight.progress).toBe(5);
    flight.pass(0, 3);
    expect(flight.progress).toBe(5);
  });

  it('are dealt with once, and not at all where they are not out', () => {
    const flight = new InFlight(0);
    flight.add(0);
    flight.add(1);
    expect(flight.acknowledge(7)).toBe(false);
    expect(flight.release(0)).toBe(true);
    expect(flight.acknowledge(0)).toBe(false);
    expect(flight.release(0)).toBe(false);
    expect(flight.acknowledge(1)).toBe(false);
    expect(flight.progress).toBe(0);
    expect([...flight.doneOffsets()]).toEqual([1]);
    expect(flight.hasReleased).toBe(true);
  });

  it('follow on one another: what nobody has passed over is not skipped', () => {
    const flight = new InFlight(3);
    flight.add(3);
    expect(() => flight.add(5)).toThrow(SkippedRecords);
    expect(() => flight.pass(5, 9)).toThrow('the offset 4 was to follow, and not 5');
    flight.acknowledge(3);
    expect(flight.progress).toBe(4);
  });

  it('agree with a plain list over any history', () => {
    for (let seed = 1; seed <= 20; seed++) expect(() => runHistory(seed)).not.toThrow();
  });
});

/** Adds, acknowledges and passes over at random, beside the simplest that does the same. */
function runHistory(seed: number): void {
  let state = seed;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const flight = new InFlight(0);
  const out = new Set<number>();
  let end = 0;
  for (let step = 0; step < 1_000; step++) {
    const what = random(10);
    if (what < 5) {
      const from = end;
      end += random(20) === 0 ? random(1_000) : 0;
      flight.pass(from, end);
      flight.add(end);
      out.add(end++);
    } else if (what < 9 && out.size > 0) {
      const offset = [...out][random(Math.min(out.size, 100))]!;
      flight.acknowledge(offset);
      out.delete(offset);
    } else if (what === 9) {
      const from = end;
      end += random(3);
      flight.pass(from, end);
    }
    const progress = out.size > 0 ? Math.min(...out) : end;
    if (flight.outCount !== out.size || flight.progress !== progress) {
      throw new Error(`seed ${seed}, step ${step}: ${flight.progress} is not ${progress}`);
    }
  }
}
