import { systemClock, systemRandom } from './system';

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

describe('systemRandom', () => {
  it('makes ids in Kafka’s form that no tool takes for an option', () => {
    const ids = Array.from({ length: 2_000 }, () => systemRandom.uuid());
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
  });

  it('makes UUIDs of version 4', () => {
    expect(systemRandom.uuidV4()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
  });
});
