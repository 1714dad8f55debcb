import { FakeClock } from './fake-clock';

describe('FakeClock', () => {
  it('runs timers in the order of their times, each at its own moment', () => {
    const clock = new FakeClock(1_000);
    const seen: [string, number][] = [];
    const note = (name: string) => (): void => void seen.push([name, clock.nowMs()]);
    clock.setTimer(20, note('late'));
    clock.setTimer(10, () => {
      note('first')();
      clock.setTimer(5, note('set meanwhile'));
    });
    clock.setTimer(10, note('second'));
    clock.setTimer(15, note('cancelled')).cancel();
    clock.advance(19);
    expect(seen).toEqual([
      ['first', 1_010],
      ['second', 1_010],
      ['set meanwhile', 1_015],
    ]);
    expect(clock.timerCount).toBe(1);
    expect(clock.nextTimerMs).toBe(1);
    clock.advance(1);
    expect(seen.at(-1)).toEqual(['late', 1_020]);
    expect(clock.nextTimerMs).toBeNull();
  });

  it('moves the wall clock alone', () => {
    const clock = new FakeClock(0);
    clock.advance(5);
    clock.jumpWallClock(-100);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([-95, 5]);
  });

  it('runs what fell due while it stood still late, and never goes back', () => {
    const clock = new FakeClock(0);
    const seen: number[] = [];
    clock.setTimer(5, () => void seen.push(clock.monotonicMs()));
    clock.standStill(100);
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual([100]);
    expect(clock.monotonicMs()).toBe(101);
  });

  it('lets promises settle between timers', async () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    clock.setTimer(1, () => void Promise.resolve('after 1').then((text) => seen.push(text)));
    clock.setTimer(2, () => void seen.push('at 2'));
    await clock.advanceAsync(2);
    expect(seen).toEqual(['after 1', 'at 2']);
  });
});
