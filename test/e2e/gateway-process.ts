import { fork, spawn, type ChildProcess, type ForkOptions } from 'node:child_process';
import { join } from 'node:path';
import { thisMachine, type Home } from '../support/home';

const entry = join(__dirname, '../../dist/apps/gateway/apps/gateway/src/main.js');
/** Of what it has said the latest is kept. */
const outputCharsMax = 1024 * 1024;

interface ProcessOptions {
  redisUrl: string;
  port: number;
  /** Its other flags; without any it has no admin endpoints. */
  flags?: readonly string[];
  /** Where it runs; missing: on this machine as it is. */
  home?: Home;
}

/** How a process ended, and what it had said. */
export interface EndedProcess {
  code: number | NodeJS.Signals | null;
  output: string;
}

/**
 * The gateway alone, as `npm run build` (and so `npm test`) has built it, on a Redis that is there:
 * a process that can be killed as processes are.
 */
export class GatewayProcess {
  output = '';
  /** The admin port; null without one. */
  adminPort: number | null = null;
  readonly #child: ChildProcess;
  readonly #guard: ChildProcess;
  /** Resolves when it has ended, whatever was the reason. */
  readonly ended: Promise<EndedProcess>;

  private constructor(options: ProcessOptions) {
    const { redisUrl, port, flags = ['--no-admin'], home = thisMachine } = options;
    const place = ['--port', String(port), '--host', home.host, '--redis-url', redisUrl];
    const args = [...place, ...flags];
    const child = fork(entry, args, { silent: true, ...executed(home) });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (text) => this.#keep(String(text)));
    }
    this.#child = child;
    this.#guard = spawnGuard(child);
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#guard.stdin?.end('ended\n');
        resolve({ code: signal ?? code, output: this.output });
      });
    });
  }

  /** Resolves when it listens; throws what it has said when it ends instead. */
  static async start(options: ProcessOptions): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(options);
    const ready = new Promise<void>((resolve) => {
      gateway.#child.once('message', (told: { adminPort: number | null }) => {
        gateway.adminPort = told.adminPort;
        resolve();
      });
    });
    const ended = gateway.ended.then(({ output }) => {
      throw new Error(`the gateway ended:\n${output}`);
    });
    await Promise.race([ready, ended]);
    return gateway;
  }

  /** For a start that fails; throws when the gateway listens. */
  static async startAndEnd(options: ProcessOptions): Promise<EndedProcess> {
    const gateway = new GatewayProcess(options);
    const ready = new Promise<never>((_, reject) => {
      gateway.#child.once('message', () => reject(new Error('it listens')));
    });
    try {
      return await Promise.race([gateway.ended, ready]);
    } finally {
      gateway.#child.kill('SIGKILL');
    }
  }

  /** It dies in the middle of whatever it does. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Sends a signal that does not end it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<EndedProcess> {
    this.#child.kill(signal);
    return this.ended;
  }

  #keep(text: string): void {
    this.output = (this.output + text).slice(-outputCharsMax);
  }
}

/** Node, run where the process is to be; nothing changes where that is here. */
function executed({ prefix }: Home): ForkOptions {
  const [command, ...args] = [...prefix, process.execPath, ...process.execArgv];
  return { execPath: command!, execArgv: args };
}

/**
 * A small process that outlives this one, however it ends: it reads from a pipe that only this
 * process holds, and where that ends without a word it kills the gateway.
 */
function spawnGuard({ pid }: ChildProcess): ChildProcess {
  const script = 'read -r line || kill -9 "$1"';
  const guard = spawn('sh', ['-c', script, 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  (guard.stdin as unknown as { unref?: () => void }).unref?.();
  return guard;
}
