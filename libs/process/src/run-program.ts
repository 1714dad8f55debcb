import { Lifecycle, type Clock, type Logger } from '@sluice/base';
import { processLimits } from './limits';

/**
 * What asks a program to stop. Nest's own hooks would also take the signals of a crash (SIGSEGV …),
 * after which nothing can be run any more: the process would neither work nor end.
 */
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Something that was started, as a Nest application. */
export interface Running {
  close(): Promise<void>;
}

/** A program that runs until it is told to stop. */
export interface Program {
  clock: Clock;
  log: Logger;
  /** Makes everything, handing each part to `lifecycle` at once, and starts the lifecycle. */
  start(lifecycle: Lifecycle): Promise<Running>;
  /** What went wrong at the start, and what to do, in words for people. */
  explain(error: unknown): string;
}

/**
 * Runs a program: starts it, and stops it in order at a signal. When the start fails, whatever the
 * step, all that has begun is stopped and the process ends with exit code 1.
 */
export async function runProgram(program: Program): Promise<void> {
  const { clock, log } = program;
  const lifecycle = new Lifecycle({ clock, log });
  let running: Running | null = null;
  let askedMs: number | null = null;
  const onSignal = async (): Promise<void> => {
    if (askedMs !== null) {
      if (clock.monotonicMs() - askedMs > processLimits.secondSignalMs) process.exit(1);
      return;
    }
    askedMs = clock.monotonicMs();
    log.info('stopping: answering what is under way');
    await (running === null ? lifecycle.stop() : running.close());
    log.info('stopped');
    // A start that is still under way owns nothing any more, and could go on for long.
    if (running === null) process.exit();
    endSoon(log);
  };
  for (const name of stopSignals) process.on(name, () => void onSignal());
  // The process ends then, and Node prints the error; whoever reads only the log sees it too.
  process.on('uncaughtExceptionMonitor', (error) => {
    log.error('a fault in the program ends it', { error });
  });
  try {
    running = await program.start(lifecycle);
  } catch (error) {
    if (askedMs !== null) return;
    askedMs = clock.monotonicMs();
    process.exitCode = 1;
    process.stderr.write(`${program.explain(error)}\n`);
    await lifecycle.stop();
    endSoon(log);
  }
}

/**
 * Nothing is owned any more, so the process ends by itself. What keeps it nevertheless is a fault
 * that is told and does not hang whoever waits.
 */
function endSoon(log: Logger): void {
  // The channel to whoever has started this process is not ours to wait for.
  process.channel?.unref();
  setTimeout(() => {
    const resources = process.getActiveResourcesInfo().join(', ');
    log.warn('something still runs after the stop; ending the process', { resources });
    process.exit();
  }, processLimits.lingerMsMax).unref();
}
