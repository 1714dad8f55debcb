import { FakeClock } from '@sluice/test/support/fake-clock';
import { GroupTimers } from './group-timers';

/** A clock whose timers can be held up, as those of a process that was stopped. */
class StoppableClock extends FakeClock {
  stoppedMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.stoppedMs;
  }
}

function setUp() {
  const clock = new StoppableClock();
  const ran: string[] = [];
  const timers = new GroupTimers({
    clock,
    latenessMsMax: 1_000,
    onDue: (timer, take) => {
      if (take()) ran.push(timer);
    },
  });
  return { clock, ran, timers };
}

describe('the timers of a group', () => {
  test('run once, unless they are cancelled or set anew', () => {
    const { clock, ran, timers } = setUp();
    timers.change([
      { timer: 'rebalance', delayMs: 100 },
      { timer: 'sync', delayMs: 100 },
      { timer: 'session/m', delayMs: 100 },
      { timer: 'sync', delayMs: null },
    ]);
    clock.advance(99);
    timers.change([{ timer: 'session/m', delayMs: 100 }]);
    clock.advance(1);
    expect(ran).toEqual(['rebalance']);
    clock.advance(500);
    expect(ran).toEqual(['rebalance', 'session/m']);
  });

  test('a timer that is set anew between being due and its turn does not run', () => {
    const clock = new FakeClock();
    const turns: (() => boolean)[] = [];
    const onDue = (_: string, take: () => boolean) => void turns.push(take);
    const timers = new GroupTimers({ clock, latenessMsMax: 1_000, onDue });
    timers.change([{ timer: 'session/m', delayMs: 100 }]);
    clock.advance(100);
    timers.change([{ timer: 'session/m', delayMs: 100 }]);
    expect(turns[0]!()).toBe(false);
    clock.advance(100);
    expect(turns[1]!()).toBe(true);
  });

  test('a session that ran out while the process was stopped starts anew', () => {
    const { clock, ran, timers } = setUp();
    timers.change([
      { timer: 'session/m', delayMs: 10_000 },
      { timer: 'pending/n', delayMs: 10_000 },
      { timer: 'rebalance', delayMs: 10_000 },
    ]);
    clock.stoppedMs = 60_000;
    clock.advance(10_000);
    expect(ran).toEqual(['rebalance']);
    clock.advance(10_000);
    expect(ran).toEqual(['rebalance', 'session/m', 'pending/n']);
  });

  test('are gone when they are cleared', () => {
    const { clock, ran, timers } = setUp();
    timers.change([{ timer: 'session/m', delayMs: 10 }]);
    timers.clear();
    clock.advance(10);
    expect(ran).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });
});
