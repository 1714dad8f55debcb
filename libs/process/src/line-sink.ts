import { writeSync } from 'node:fs';
import { systemClock, type Clock } from '@sluice/base';
import { processLimits } from './limits';

/** What a sink writes with; tests have their own. */
export interface LineSinkParts {
  clock: Pick<Clock, 'setTimer' | 'monotonicMs'>;
  /** Writes some of the bytes, and says how many. Throws as `fs.writeSync`. */
  write: (bytes: Buffer) => number;
}

/**
 * Writes lines to a file descriptor at once, so that none is lost when the process ends right after
 * it, whatever ends it. (Node's own stream keeps in memory what a pipe does not take, and forgets
 * it at the end.) Where a pipe is full, because nobody reads, the process goes on: lines wait in
 * memory, up to `logWaitingBytesMax`, and those beyond it are dropped and counted. Once the reader
 * is gone, all are dropped.
 */
export class LineSink {
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #isScheduled = false;
  #isGone = false;

  constructor(private readonly parts: LineSinkParts) {}

  /** A line with its end. */
  readonly line = (text: string): void => {
    if (this.#isGone) return;
    const bytes = Buffer.from(text);
    if (this.#waitingBytes + bytes.length > processLimits.logWaitingBytesMax) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#isScheduled) this.#writeOn();
  };

  /** The process ends: writes what waits, for as long as `logFlushMsMax` while nobody reads. */
  flush(): void {
    const { clock } = this.parts;
    const untilMs = clock.monotonicMs() + processLimits.logFlushMsMax;
    while (!this.#write() && clock.monotonicMs() < untilMs) sleep(processLimits.logRetryMs);
  }

  #writeOn(): void {
    this.#isScheduled = !this.#write();
    if (!this.#isScheduled) return;
    this.parts.clock.setTimer(processLimits.logRetryMs, () => this.#writeOn());
  }

  /** Writes what it can; false: something is left, and may be tried again. */
  #write(): boolean {
    for (let first = this.#next(); first !== undefined; first = this.#next()) {
      let written: number;
      try {
        written = this.parts.write(first);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
        return this.#giveUp();
      }
      this.#waitingBytes -= written;
      if (written === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(written);
    }
    return true;
  }

  /** The next to be written. Once there is room again, a line tells how many were dropped. */
  #next(): Buffer | undefined {
    if (this.#waiting.length === 0 && this.#dropped > 0) {
      const note = Buffer.from(
        `${this.#dropped} lines of the log were dropped: nobody read them\n`,
      );
      this.#dropped = 0;
      this.#waiting.push(note);
      this.#waitingBytes += note.length;
    }
    return this.#waiting[0];
  }

  /** Nobody will ever read it: EPIPE, or the like. */
  #giveUp(): boolean {
    this.#isGone = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return true;
  }
}

/** Nothing else may run meanwhile: the process is ending. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

let standardOutput: LineSink | null = null;

/** The one sink for standard output, which is flushed when the process ends. */
export function standardOutputSink(): LineSink {
  if (standardOutput === null) {
    const sink = new LineSink({ clock: systemClock, write: (bytes) => writeSync(1, bytes) });
    // A pipe must not block: Node sees to it when its own stream is made.
    void process.stdout.fd;
    process.on('exit', () => sink.flush());
    standardOutput = sink;
  }
  return standardOutput;
}
