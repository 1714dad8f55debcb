import { FakeClock } from '@sluice/test/support/fake-clock';
import { silentLogger, type LogFields } from './logger';
import { TroubleLog } from './trouble-log';

function bench() {
  const clock = new FakeClock();
  const lines: [string, LogFields?][] = [];
  const log = {
    ...silentLogger,
    warn: (message: string, fields?: LogFields) => void lines.push([message, fields]),
  };
  const trouble = new TroubleLog({ clock, log, message: 'doors slam', quietMs: 10_000 });
  return { clock, lines, trouble };
}

describe('trouble', () => {
  it('that comes once is told once', () => {
    const { clock, lines, trouble } = bench();
    trouble.note({ door: 1 });
    clock.advance(60_000);
    expect(lines).toEqual([['doors slam', { door: 1 }]]);
    expect(clock.timerCount).toBe(0);
  });

  it('that comes in a flood is told when it begins and when it has been quiet', () => {
    const { clock, lines, trouble } = bench();
    for (let door = 0; door < 1_000; door++) {
      trouble.note({ door });
      clock.advance(20);
    }
    clock.advance(9_000);
    expect(lines).toEqual([['doors slam', { door: 0 }]]);
    clock.advance(1_000);
    expect(lines[1]).toEqual(['over: doors slam', { times: 1_000, lastedMs: 19_980 }]);
    trouble.note({ door: 7 });
    expect(lines[2]).toEqual(['doors slam', { door: 7 }]);
  });

  it('that is known to be over is told at once, with the count', () => {
    const { clock, lines, trouble } = bench();
    trouble.over();
    expect(lines).toEqual([]);
    trouble.note();
    clock.advance(5);
    trouble.over();
    trouble.over();
    expect(lines).toEqual([
      ['doors slam', {}],
      ['over: doors slam', { times: 1, lastedMs: 0 }],
    ]);
    expect(clock.timerCount).toBe(0);
  });

  it('that is cut short leaves no timer', () => {
    const { clock, lines, trouble } = bench();
    trouble.note();
    trouble.note();
    trouble.stop();
    expect(lines.map(([message]) => message)).toEqual(['doors slam', 'over: doors slam']);
    expect(clock.timerCount).toBe(0);
  });
});
