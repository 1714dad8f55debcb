import { systemClock } from './clock';

describe('systemClock', () => {
  it('goes forward, and runs timers that were not cancelled', async () => {
    const startMs = systemClock.monotonicMs();
    const ran: string[] = [];
    systemClock.setTimer(5, () => ran.push('cancelled')).cancel();
    await new Promise<void>((resolve) => systemClock.setTimer(10, resolve));
    expect(ran).toEqual([]);
    expect(systemClock.monotonicMs() - startMs).toBeGreaterThan(8);
    expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(1_000);
  });

  describe('a delay that is longer than Node takes at once', () => {
    const dayMs = 86_400_000;
    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    it.each([30, 75])('of %i days is over then, and not before', (days) => {
      const run = jest.fn();
      systemClock.setTimer(days * dayMs, run);
      jest.advanceTimersByTime(days * dayMs - 1);
      expect(run).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(run).toHaveBeenCalledTimes(1);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('can be taken back on the way', () => {
      const run = jest.fn();
      const timer = systemClock.setTimer(75 * dayMs, run);
      jest.advanceTimersByTime(30 * dayMs);
      timer.cancel();
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  it('refuses a delay that is no number', () => {
    expect(() => systemClock.setTimer(Number.NaN, () => {})).toThrow(RangeError);
  });
});
