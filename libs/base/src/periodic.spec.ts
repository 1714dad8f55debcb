import { FakeClock } from '@sluice/test/support/fake-clock';
import type { Logger } from './logger';
import { Periodic } from './periodic';

/** Keeps the lines that are logged, as `level message`. */
function recordingLogger(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { log, lines };
}

function periodic(run: (signal: AbortSignal) => Promise<void> | void) {
  const clock = new FakeClock();
  const { log, lines } = recordingLogger();
  return { clock, lines, work: new Periodic({ clock, log, name: 'the work', everyMs: 100, run }) };
}

describe('Periodic', () => {
  it('runs after the first delay, and then at its intervals', async () => {
    const atMs: number[] = [];
    const { clock, work } = periodic(() => void atMs.push(clock.monotonicMs()));
    work.start(10);
    await clock.advanceAsync(250);
    expect(atMs).toEqual([10, 110, 210]);
    await work.stop();
    await clock.advanceAsync(1_000);
    expect(atMs).toHaveLength(3);
    expect(clock.timerCount).toBe(0);
  });

  it('never runs twice at once; what is asked for meanwhile follows, once', async () => {
    let ends: (() => void)[] = [];
    const { work } = periodic(() => new Promise<void>((resolve) => void ends.push(resolve)));
    work.runSoon();
    work.runSoon();
    work.runSoon();
    expect(ends).toHaveLength(1);
    ends[0]!();
    await new Promise((resolve) => setImmediate(resolve));
    expect(ends).toHaveLength(2);
    const stopped = work.stop();
    ends[1]!();
    await stopped;
    work.runSoon();
    expect(ends).toHaveLength(2);
  });

  it('goes on after failures, and logs a row of them once, and its end', async () => {
    let broken = true;
    const { clock, lines, work } = periodic(() => {
      if (broken) throw new Error('no luck');
    });
    work.start(0);
    await clock.advanceAsync(350);
    expect(lines).toEqual(['warn the work failed; it is tried again']);
    broken = false;
    await clock.advanceAsync(200);
    expect(lines).toEqual(['warn the work failed; it is tried again', 'warn the work works again']);
    await work.stop();
  });

  it('tells the run that it is to stop, and waits for its end', async () => {
    let aborted = false;
    const { work } = periodic(
      (signal) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            setImmediate(resolve);
          });
        }),
    );
    work.runSoon();
    await work.stop();
    await work.stop();
    expect(aborted).toBe(true);
  });
});
