import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Operation } from './operation';

/** A history beyond this is not written: it could not be checked in one process. */
const operationsMax = 5_000_000;
const linesKeptMax = 500;

/** Writes a history while it happens. */
export class HistoryFile {
  count = 0;
  readonly #fd: number;
  readonly #startedMs = performance.now();
  readonly #listeners: ((operation: Operation) => void)[] = [];
  #lines: string[] = [];
  #isClosed = false;

  /** @throws Error when the file cannot be written */
  constructor(readonly file: string) {
    this.#fd = openSync(file, 'w');
  }

  /** Milliseconds since the run began. */
  now(): number {
    return Math.round((performance.now() - this.#startedMs) * 1_000) / 1_000;
  }

  /** Writes an operation that has ended; what comes after `close` is dropped. */
  add(operation: Operation): void {
    if (this.#isClosed) return;
    if (++this.count > operationsMax) throw new Error(`more than ${operationsMax} operations`);
    for (const listener of this.#listeners) listener(operation);
    this.#lines.push(JSON.stringify(operation));
    if (this.#lines.length >= linesKeptMax) this.#write();
  }

  /** Calls back with each operation that is written from now on. */
  listen(listener: (operation: Operation) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#write();
    this.#isClosed = true;
    closeSync(this.#fd);
  }

  #write(): void {
    if (this.#lines.length === 0) return;
    writeSync(this.#fd, `${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}

/**
 * Reads a history.
 * @throws Error that names the line that is none
 */
export function readHistory(file: string): Operation[] {
  const operations: Operation[] = [];
  for (const [at, line] of linesOf(readFileSync(file))) {
    try {
      operations.push(JSON.parse(line) as Operation);
    } catch (cause) {
      throw new Error(`${file}, byte ${at}: this is no operation`, { cause });
    }
  }
  return operations;
}

/** Line by line: the whole text may be longer than a string can be. */
function* linesOf(bytes: Buffer): Generator<[number, string]> {
  for (let at = 0; at < bytes.length;) {
    const found = bytes.indexOf('\n', at);
    const end = found < 0 ? bytes.length : found;
    if (end > at) yield [at, bytes.toString('utf8', at, end)];
    at = end + 1;
  }
}
