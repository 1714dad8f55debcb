import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually';
import { startRedisHere } from './redis';
import { findRedisBinary, freePort, spawnGuard, type LocalRedis } from './redis-local';

/** Certificates, and what they are trusted by. */
export interface TestCertificates {
  cert: string;
  key: string;
  ca: string;
}

/** How a watched Redis of a test is to be. */
export interface WatchedOptions {
  /** Of the servers; without it everybody may come. */
  password?: string;
  /** Of the Sentinels. */
  sentinelPassword?: string;
  /** The servers and the Sentinels want TLS. */
  tls?: TestCertificates;
  /** More arguments for the servers. */
  args?: readonly string[];
}

const masterName = 'main';
const host = '127.0.0.1';
const sentinelCount = 3;

/**
 * One primary, two replicas, and three Sentinels that watch them. A Sentinel takes a primary for
 * dead after a second.
 */
export class WatchedRedis {
  private constructor(
    /** The first is the primary at the start. */
    readonly servers: readonly LocalRedis[],
    readonly sentinels: readonly TestSentinel[],
    private readonly ports: ReadonlyMap<number, LocalRedis>,
    private readonly options: WatchedOptions,
  ) {}

  /** Resolves when replicas and Sentinels all know of each other. */
  static async start(options: WatchedOptions = {}): Promise<WatchedRedis> {
    const ports = new Map<number, LocalRedis>();
    const servers: LocalRedis[] = [];
    let first: number | null = null;
    for (let i = 0; i < 3; i++) {
      const tlsPort = options.tls === undefined ? null : await freePort();
      const args = serverArgs(options, tlsPort, first);
      const server = await startRedisHere({ args });
      servers.push(server);
      const watched = tlsPort ?? server.port;
      first ??= watched;
      ports.set(watched, server);
    }
    const starting = Array.from({ length: sentinelCount }, () =>
      TestSentinel.start(first!, options),
    );
    const all = new WatchedRedis(servers, await Promise.all(starting), ports, options);
    await eventually(() => all.#isComplete(), { what: 'that all know of each other' });
    return all;
  }

  /** How what is tested finds it. */
  get url(): string {
    return this.urlWith();
  }

  /** The same, with other Sentinels or another name of the master. */
  urlWith({ hosts, name = masterName }: { hosts?: readonly string[]; name?: string } = {}): string {
    const { password, sentinelPassword, tls } = this.options;
    const scheme = tls === undefined ? 'redis' : 'rediss';
    const login = password === undefined ? '' : `:${password}@`;
    const query = sentinelPassword === undefined ? '' : `?sentinel-password=${sentinelPassword}`;
    const list = hosts ?? this.sentinels.map(({ port }) => `${host}:${port}`);
    return `${scheme}+sentinel://${login}${list.join(',')}/${name}${query}`;
  }

  /** The server that most Sentinels name. */
  async primary(): Promise<LocalRedis> {
    const named = await Promise.all(
      this.sentinels.map((one) => one.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)),
    );
    const votes = named.map((text) => Number(/\r\n(\d+)\r\n$/.exec(text)?.[1]));
    const port = votes.find(
      (one) => votes.filter((other) => other === one).length * 2 > votes.length,
    );
    const server = this.ports.get(port ?? -1);
    if (server === undefined) throw new Error(`the Sentinels name no server: ${named.join(' ')}`);
    return server;
  }

  /** Has the Sentinels promote another server; resolves when most name it. */
  async failover(): Promise<void> {
    const before = await this.primary();
    await eventually(async () => {
      const reply = await this.sentinels[0]!.ask('SENTINEL', 'FAILOVER', masterName);
      return reply.startsWith('+OK');
    });
    await this.promoted(before);
  }

  /** Resolves when most Sentinels name another server. */
  promoted(before: LocalRedis): Promise<boolean> {
    return eventually(async () => (await this.primary()) !== before, { what: 'a promotion' });
  }

  async stop(): Promise<void> {
    for (const sentinel of this.sentinels) sentinel.stop();
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async #isComplete(): Promise<boolean> {
    const found = await Promise.all(
      this.sentinels.map((one) => one.ask('SENTINEL', 'MASTER', masterName)),
    );
    return found.every((text) => {
      return count(text, 'num-slaves') === 2 && count(text, 'num-other-sentinels') === 2;
    });
  }
}

/** A number of a reply of SENTINEL MASTER. */
function count(text: string, name: string): number {
  return Number(new RegExp(`${name}\r\n\\$\\d+\r\n(\\d+)`).exec(text)?.[1]);
}

function serverArgs(
  { password, tls, args = [] }: WatchedOptions,
  tlsPort: number | null,
  primaryPort: number | null,
): string[] {
  const given = ['--repl-diskless-sync-delay', '0', ...args];
  if (password !== undefined) given.push('--requirepass', password, '--masterauth', password);
  if (tls !== undefined) given.push(...tlsArgs(tls), '--tls-port', String(tlsPort));
  if (primaryPort !== null) given.push('--replicaof', host, String(primaryPort));
  return given;
}

function tlsArgs({ cert, key, ca }: TestCertificates): string[] {
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca];
  return [...files, '--tls-auth-clients', 'no', '--tls-replication', 'yes'];
}

/** One Sentinel. It ends with the test process in any case. */
export class TestSentinel {
  private constructor(
    readonly port: number,
    private readonly plainPort: number,
    private readonly process: ChildProcess,
    private readonly guard: ChildProcess,
    private readonly password: string | undefined,
  ) {}

  static async start(primaryPort: number, options: WatchedOptions): Promise<TestSentinel> {
    const { password, sentinelPassword, tls } = options;
    const folder = mkdtempSync(join(tmpdir(), 'sluice-sentinel-'));
    const [plainPort, tlsPort] = [await freePort(), await freePort()];
    const lines = [
      `port ${plainPort}`,
      `bind ${host}`,
      `dir ${folder}`,
      `pidfile ${join(folder, 'pid')}`,
      `logfile ${join(folder, 'log')}`,
      `sentinel monitor ${masterName} ${host} ${primaryPort} 2`,
      `sentinel down-after-milliseconds ${masterName} 1000`,
      `sentinel failover-timeout ${masterName} 6000`,
    ];
    if (password !== undefined) lines.push(`sentinel auth-pass ${masterName} ${password}`);
    if (sentinelPassword !== undefined) lines.push(`requirepass ${sentinelPassword}`);
    if (tls !== undefined) {
      lines.push(`tls-port ${tlsPort}`, `tls-cert-file ${tls.cert}`, `tls-key-file ${tls.key}`);
      lines.push(`tls-ca-cert-file ${tls.ca}`, 'tls-auth-clients no', 'tls-replication yes');
    }
    const file = join(folder, 'sentinel.conf');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const guard = spawnGuard(folder);
    const child = spawn(findRedisBinary()!, [file, '--sentinel'], { stdio: 'ignore' });
    child.unref();
    const port = tls === undefined ? plainPort : tlsPort;
    const sentinel = new TestSentinel(port, plainPort, child, guard, sentinelPassword);
    await eventually(async () => (await sentinel.ask('PING')).startsWith('+PONG'));
    return sentinel;
  }

  /** Asks over a connection of its own; the reply is as it came. */
  ask(...words: readonly string[]): Promise<string> {
    const login = this.password === undefined ? '' : `AUTH ${this.password}\r\n`;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: this.plainPort }, () => {
        socket.end(`${login}${words.join(' ')}\r\n`);
      });
      let reply = '';
      socket.on('data', (bytes) => (reply += bytes.toString()));
      socket.once('error', reject);
      socket.once('close', () => resolve(login === '' ? reply : reply.replace(/^\+OK\r\n/, '')));
    });
  }

  stop(): void {
    this.process.kill('SIGKILL');
    this.guard.stdin?.end();
  }
}
