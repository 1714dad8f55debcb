import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const script = join(__dirname, '../../scripts/start.mjs');
/**
 * Long enough for a build on a busy machine; a start with everything built takes a second or two.
 */
export const startMsMax = 120_000;

/** The start script as a person runs it, with its output kept. */
export class StartScript {
  output = '';
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly #child: ChildProcess;

  constructor(
    readonly directory: string,
    args: readonly string[],
  ) {
    // Settings of whoever runs the tests must not reach it.
    const env = Object.entries(process.env).filter(([name]) => !/^(SLUICE_|REDIS_URL)/.test(name));
    this.#child = spawn(process.execPath, [script, '--data-dir', directory, ...args], {
      env: Object.fromEntries(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text) => (this.output += String(text)));
    }
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(signal ?? code));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when it says that it is ready; throws its output when it ends instead. */
  async ready(): Promise<this> {
    await eventually(() => {
      if (this.output.includes('Sluice is ready.')) return true;
      if (this.#hasEnded()) throw new Error(`it ended:\n${this.output}`);
      return false;
    });
    return this;
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    this.#child.kill(signal);
    return this.ended;
  }

  /** Nobody reads what it prints any more, as when its terminal is closed. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

/** Waits until the condition holds; throws after a long time, or when the condition throws. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const until = performance.now() + startMsMax; performance.now() < until; await sleep(20)) {
    if (await condition()) return;
  }
  throw new Error('it did not happen in time');
}

/** A JSON file that the start script keeps in its data directory, or undefined. */
export function noteIn(directory: string, name: string): Record<string, unknown> | undefined {
  const file = join(directory, name);
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    // Where there is no /proc the first line has decided.
    return (error as NodeJS.ErrnoException).syscall === 'open' && !existsSync('/proc/self');
  }
}

/** Sends a request that no broker knows, which the gateway notes in its log; waits for the end. */
export function sendUnknownRequest(port: number): Promise<void> {
  const request = Buffer.alloc(14);
  request.writeInt32BE(10, 0);
  request.writeInt16BE(9_999, 4);
  return new Promise((resolve) => {
    const socket = connect({ port, host: 'localhost' }, () => socket.write(request));
    socket.once('error', () => undefined);
    socket.once('close', () => resolve());
    socket.resume();
  });
}

/**
 * Asks for the API versions, in bytes written by hand.
 * @returns the error code of the reply, or undefined when nothing answers
 */
export function askApiVersions(port: number, host = 'localhost'): Promise<number | undefined> {
  const correlationId = 77;
  const request = Buffer.alloc(14);
  request.writeInt32BE(10, 0);
  request.writeInt16BE(18, 4);
  request.writeInt16BE(0, 6);
  request.writeInt32BE(correlationId, 8);
  request.writeInt16BE(-1, 12);
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    let received = Buffer.alloc(0);
    const settle = (code: number | undefined): void => {
      socket.destroy();
      resolve(code);
    };
    socket.setTimeout(10_000, () => settle(undefined));
    socket.once('error', () => settle(undefined));
    socket.once('close', () => settle(undefined));
    socket.once('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 10 || received.length < 4 + received.readInt32BE(0)) return;
      settle(received.readInt32BE(4) === correlationId ? received.readInt16BE(8) : undefined);
    });
  });
}
