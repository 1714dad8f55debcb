import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { thisMachine, type Home } from './home';
import { Disk } from './power-cut/disk';
import type { TestRedis } from './redis';
import { inDatabase, makeSetup, type ServerSetup } from './servers/setup';
import { writeOut } from './write-out';

const startTimeoutMs = 30_000;
const portAttemptsMax = 5;
/** Linux gives connections ports from 32,768 on, other systems from 49,152. */
const portMin = 10_000;
const portMax = 32_768;
const freePortAttemptsMax = 100;
/** Jest's workers run beside each other: each has ports of its own. */
const workersMax = 8;
const portsPerWorker = Math.floor((portMax - portMin) / workersMax);
/** A server that is away for a moment finds its port free when it comes back. */
const portsGiven = new Set<number>();

/** The path of this machine's redis-server or valkey-server; null when it has neither. */
export function findRedisBinary(): string | null {
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not in this folder.
      }
    }
  }
  return null;
}

/** How a server on this machine is started. */
export interface LocalRedisOptions {
  readonly binary: string;
  readonly args: readonly string[];
  /** Lets the power be cut; needs Linux and a C compiler. */
  readonly powerCut?: boolean;
  /** Where it runs; missing: on this machine as it is. */
  readonly home?: Home | undefined;
}

/** Starts a server on a free port, with its data in a folder of its own. */
export async function startLocalRedis(options: LocalRedisOptions): Promise<LocalRedis> {
  for (let attempt = 1; ; attempt += 1) {
    const [port, tlsPort] = [await freePort(), await freePort()];
    const setup = makeSetup({ host: homeOf(options).host, port, tlsPort });
    const server = new LocalRedis(options, port, setup);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.stop();
      // Another process may have taken the port in the meantime.
      const taken = (error as Error).message.includes('already in use');
      if (!taken || attempt === portAttemptsMax) throw error;
    }
  }
}

function homeOf({ home = thisMachine }: LocalRedisOptions): Home {
  return home;
}

/** A server that runs as a process of this machine. */
export class LocalRedis implements TestRedis {
  readonly host: string;
  readonly url: string;
  readonly adminUrl: string;
  readonly peer: { host: string; port: number };
  readonly beforeStop = new Set<() => Promise<void>>();
  /** Where the server keeps its append-only files and snapshots, and nothing else. */
  readonly dataFolder: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
  readonly #guard: ChildProcess;
  readonly #disk: Disk | null;
  #server: ChildProcess | null = null;

  constructor(
    private readonly options: LocalRedisOptions,
    readonly port: number,
    readonly setup: ServerSetup,
  ) {
    this.host = homeOf(options).host;
    this.url = setup.url;
    this.adminUrl = inDatabase(`redis://${this.host}:${port}`, setup.database);
    this.peer = { host: this.host, port };
    this.#guard = spawnGuard(this.#folder);
    this.dataFolder = join(this.#folder, 'data');
    mkdirSync(this.dataFolder);
    this.#disk = options.powerCut === true ? new Disk(this.dataFolder, this.#folder) : null;
  }

  get pid(): number | null {
    return this.#server?.pid ?? null;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.beforeStop].map((action) => action()));
    await this.#end();
    this.#guard.stdin?.end();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async kill(): Promise<void> {
    if (this.#server !== null) await writeOut(this);
    await this.#end();
  }

  async restart(): Promise<void> {
    await this.kill();
    rmSync(this.#logFile, { force: true });
    this.#disk?.begin();
    const env = { ...process.env, ...this.#disk?.env };
    // A group of its own, so that a power cut ends its children too.
    const how = { stdio: 'ignore', env, detached: true } as const;
    const { binary } = this.options;
    const [command, ...args] = [...homeOf(this.options).prefix, binary, ...this.#allArgs()];
    const server = spawn(command!, args, how);
    this.#server = server;
    let failure: Error | null = null;
    server.once('error', (error) => (failure = error));
    server.unref();
    const untilMs = Date.now() + startTimeoutMs;
    // That somebody answers is not enough: a server of another test may have taken the port.
    while (!this.#saysReady() || !(await answersPing(this.host, this.port))) {
      const ended = server.exitCode !== null || server.signalCode !== null || failure !== null;
      if (ended || Date.now() > untilMs) {
        throw new Error(`redis-server did not start:\n${this.#logTail()}`, { cause: failure });
      }
      await sleep(10);
    }
  }

  async pause(): Promise<void> {
    this.#server?.kill('SIGSTOP');
  }

  async resume(): Promise<void> {
    this.#server?.kill('SIGCONT');
  }

  /** Null where the power cannot be cut. */
  get disk(): Disk | null {
    return this.#disk;
  }

  /** SIGKILL to the server and to what it has forked; then what was never synced is taken away. */
  async powerCut(): Promise<void> {
    const { pid } = this;
    if (this.#disk === null || pid === null) throw new Error('This server has no power to cut.');
    process.kill(-pid, 'SIGKILL');
    await this.#end();
    this.#disk.cut();
  }

  async #end(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server !== null && server.exitCode === null && server.signalCode === null) {
      const exit = new Promise((resolve) => server.once('exit', resolve));
      server.ref();
      server.kill('SIGKILL');
      await exit;
    }
    // The guard kills what this file names, so it must not outlive the process.
    rmSync(join(this.#folder, 'pid'), { force: true });
  }

  #allArgs(): string[] {
    const inFolder = (name: string): string => join(this.#folder, name);
    const own = {
      port: String(this.port),
      bind: this.host,
      // In a network of its own nobody else reaches it.
      'protected-mode': this.host === thisMachine.host ? 'yes' : 'no',
      daemonize: 'no',
      dir: this.dataFolder,
      pidfile: inFolder('pid'),
      logfile: this.#logFile,
    };
    const given = Object.entries(own).flatMap(([name, value]) => [`--${name}`, value]);
    return [...given, ...this.setup.args, ...this.options.args];
  }

  get #logFile(): string {
    return join(this.#folder, 'log');
  }

  #saysReady(): boolean {
    return this.#log().includes('Ready to accept connections');
  }

  #logTail(): string {
    return this.#log().split('\n').slice(-10).join('\n');
  }

  /** What it has written since it was started. */
  #log(): string {
    try {
      return readFileSync(this.#logFile, 'utf8');
    } catch {
      return '(it wrote no log)';
    }
  }
}

/**
 * A small process that outlives this one, however it ends: it reads from a pipe that only this
 * process holds, and at its end kills the server and removes the folder.
 */
export function spawnGuard(folder: string): ChildProcess {
  const script = 'cat >/dev/null; [ -f "$1/pid" ] && kill -9 "$(cat "$1/pid")"; rm -rf "$1"';
  const guard = spawn('sh', ['-c', script, 'guard', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  (guard.stdin as unknown as { unref?: () => void }).unref?.();
  return guard;
}

/**
 * A port that nobody listens on at this moment. It lies below those that systems give to
 * connections and to whoever asks for any port, and no two of Jest's workers get the same ones, so
 * nobody gets it by chance while a server that was killed is away.
 */
export async function freePort(): Promise<number> {
  const worker = Number(process.env['JEST_WORKER_ID'] ?? 0) % workersMax;
  const first = portMin + worker * portsPerWorker;
  for (let attempt = 1; ; attempt++) {
    const port = randomInt(first, first + portsPerWorker);
    try {
      if (portsGiven.has(port)) throw new Error(`port ${port} was given out before`);
      await probe(port);
      portsGiven.add(port);
      return port;
    } catch (error) {
      if (attempt === freePortAttemptsMax) throw error;
    }
  }
}

function probe(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(port, thisMachine.host, () => server.close(() => resolve()));
  });
}

/** True when a Redis there has read its data and answers, be it that it wants a password. */
export function answersPing(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (reply) => settle(/^(\+PONG|-NOAUTH)/.test(reply.toString('latin1'))));
  });
}
