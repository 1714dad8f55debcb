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
});
