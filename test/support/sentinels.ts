import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askRedis } from './ask-redis';
import { eventually } from './eventually';
import { hostAndPort, thisMachine, type Address, type Home } from './home';
import { startRedisHere } from './redis';
import { findRedisBinary, freePort, spawnGuard, type LocalRedis } from './redis-local';
import type { MakeFront } from './server-front';
import { tlsArgs, type TestCertificates } from './servers/certificates';
import { userArgs, userLogin } from './servers/setup';

/** How a watched Redis of a test is to be. */
export interface WatchedOptions {
  /** Of the servers; without it everybody may come. */
  password?: string;
  /** Of the Sentinels. */
  sentinelPassword?: string;
  /**
   * Servers and Sentinels are logged in to as users who may do what the documents ask for, and
   * nothing else.
   */
  hasUsers?: boolean;
  /** The servers and the Sentinels want TLS. */
  tls?: TestCertificates;
  /** More arguments for the servers. */
  args?: readonly string[];
  /** By what Sentinels and replicas find each server; without it by its own address. */
  front?: MakeFront;
  /** Where each Sentinel runs; missing: on this machine as it is. */
  sentinelHome?: () => Promise<Home>;
}

const masterName = 'main';
/** Long enough for a machine that is busy. */
const downAfterMs = 1_000;
/** A user of the Sentinels. */
const watcher = { name: 'watcher', password: 'watcher-secret' };
/** As docs/redis.md has it. */
const sentinelRights = '-@all +sentinel|get-master-addr-by-name +sentinel|masters +client|setname';
const sentinelCount = 3;
/** How long Sentinels may take for a failover that one of them has begun. */
const failoverMsMax = 10_000;
/** Before another one is asked, where one does not begin. */
const failoverPauseMs = 500;
const failoverAsksMax = 20;

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
    let first: Address | null = null;
    for (let i = 0; i < 3; i++) {
      const tlsPort = options.tls === undefined ? null : await freePort();
      const front = await options.front?.(i);
      const args = [...serverArgs(options, tlsPort, first), ...(front?.args ?? [])];
      const server = await startRedisHere({ args, home: front?.home });
      servers.push(server);
      front?.leadsTo(server.port);
      const watched = front?.port ?? tlsPort ?? server.port;
      first ??= { host: server.host, port: watched };
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
    const { password, sentinelPassword, hasUsers, tls } = this.options;
    const scheme = tls === undefined ? 'redis' : 'rediss';
    const list = (hosts ?? this.sentinels.map(hostAndPort)).join(',');
    if (hasUsers) {
      const asWatcher = `?sentinel-user=${watcher.name}&sentinel-password=${watcher.password}`;
      return `${scheme}+sentinel://${userLogin}@${list}/${name}${asWatcher}`;
    }
    const login = password === undefined ? '' : `:${password}@`;
    const query = sentinelPassword === undefined ? '' : `?sentinel-password=${sentinelPassword}`;
    return `${scheme}+sentinel://${login}${list}/${name}${query}`;
  }

  /** The server that most Sentinels name. */
  async primary(): Promise<LocalRedis> {
    // One that was killed says nothing.
    const named = await Promise.all(
      this.sentinels.map((one) =>
        one.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName).catch(() => 'nothing'),
      ),
    );
    const votes = named.map((text) => Number(/\r\n(\d+)\r\n$/.exec(text)?.[1]));
    const port = votes.find(
      (one) => votes.filter((other) => other === one).length * 2 > votes.length,
    );
    const server = this.ports.get(port ?? -1);
    if (server === undefined) throw new Error(`the Sentinels name no server: ${named.join(' ')}`);
    return server;
  }

  /**
   * Has the Sentinels promote another server; resolves when most name it. A Sentinel that was asked
   * may give it up, or end before it is done, so they are asked in turn.
   */
  async failover(): Promise<void> {
    const before = await this.primary();
    for (let asked = 0; ; asked++) {
      const sentinel = this.sentinels[asked % this.sentinels.length]!;
      const reply = sentinel.ask('SENTINEL', 'FAILOVER', masterName);
      const isBegun = await reply.then((text) => text.startsWith('+OK')).catch(() => false);
      const isLast = asked === failoverAsksMax - 1;
      const waitMs = isBegun || isLast ? failoverMsMax : failoverPauseMs;
      const isDone = await this.#promotedWithin(before, waitMs, isLast);
      if (isDone) return;
    }
  }

  async #promotedWithin(before: LocalRedis, waitMs: number, isLast: boolean): Promise<boolean> {
    const isPromoted = async () => (await this.primary()) !== before;
    const promoted = eventually(isPromoted, { timeoutMs: waitMs, what: 'a promotion' });
    return promoted.catch((error: unknown) => {
      if (isLast) throw error;
      return false;
    });
  }

  /** After how long without an answer a Sentinel takes the primary for one that is down. */
  async setDownAfter(ms: number = downAfterMs): Promise<void> {
    const option = ['down-after-milliseconds', String(ms)];
    for (const one of this.sentinels) await one.ask('SENTINEL', 'SET', masterName, ...option);
  }

  /** Resolves when most Sentinels name another server. */
  promoted(before: LocalRedis): Promise<boolean> {
    return eventually(async () => (await this.primary()) !== before, { what: 'a promotion' });
  }

  /**
   * Resolves when all Sentinels name one primary that the other two servers follow. A server that
   * takes itself for a primary beside it is made a replica: Sentinels do that, too, after 8 s.
   */
  async settled(): Promise<void> {
    await eventually(() => this.#isSettled(), { what: 'one primary and two replicas' });
  }

  async stop(): Promise<void> {
    for (const sentinel of this.sentinels) sentinel.stop();
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async #isSettled(): Promise<boolean> {
    const told = await Promise.all(
      this.sentinels.map((one) => one.ask('SENTINEL', 'MASTER', masterName)),
    );
    // With any other flag it is down, or a failover is under way.
    const isCalm = told.every((text) => /\r\nflags\r\n\$6\r\nmaster\r\n/.test(text));
    const ports = new Set(told.map((text) => count(text, 'port')));
    const [port] = ports;
    const primary = this.ports.get(port ?? -1);
    if (!isCalm || ports.size !== 1 || primary === undefined) return false;
    const others = this.servers.filter((server) => server !== primary);
    const following = await Promise.all(
      others.map((server) => this.#follows(server, { host: primary.host, port: port! })),
    );
    const info = await askRedis(primary, 'INFO replication');
    const online = info.match(/^slave\d+:.*state=online/gm) ?? [];
    return info.includes('role:master') && online.length === 2 && following.every(Boolean);
  }

  /** Whether a server follows the one of this address; if not, it is told to. */
  async #follows(server: LocalRedis, { host, port }: Address): Promise<boolean> {
    const info = await askRedis(server, 'INFO replication');
    if (info.includes('role:slave') && info.includes(`master_port:${port}\r`)) {
      return info.includes('master_link_status:up');
    }
    await askRedis(server, `REPLICAOF ${host} ${port}`);
    return false;
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
  { password, hasUsers, tls, args = [] }: WatchedOptions,
  tlsPort: number | null,
  primary: Address | null,
): string[] {
  const given = ['--repl-diskless-sync-delay', '0', ...args];
  if (hasUsers) given.push(...userArgs());
  if (password !== undefined) given.push('--requirepass', password, '--masterauth', password);
  if (tls !== undefined) given.push(...tlsArgs(tls, tlsPort!));
  if (primary !== null) given.push('--replicaof', primary.host, String(primary.port));
  return given;
}

/** One Sentinel. It ends with the test process in any case. */
export class TestSentinel {
  #process: ChildProcess | null = null;

  private constructor(
    private readonly home: Home,
    readonly port: number,
    private readonly plainPort: number,
    private readonly file: string,
    private readonly guard: ChildProcess,
    private readonly password: string | undefined,
  ) {}

  static async start(primary: Address, options: WatchedOptions): Promise<TestSentinel> {
    const { password, sentinelPassword, hasUsers, tls } = options;
    const home = (await options.sentinelHome?.()) ?? thisMachine;
    const folder = mkdtempSync(join(tmpdir(), 'sluice-sentinel-'));
    const [plainPort, tlsPort] = [await freePort(), await freePort()];
    const lines = [
      `port ${plainPort}`,
      `bind ${home.host}`,
      'protected-mode no',
      `dir ${folder}`,
      `pidfile ${join(folder, 'pid')}`,
      `logfile ${join(folder, 'log')}`,
      `sentinel monitor ${masterName} ${primary.host} ${primary.port} 2`,
      `sentinel down-after-milliseconds ${masterName} ${downAfterMs}`,
      `sentinel failover-timeout ${masterName} 6000`,
    ];
    if (password !== undefined) lines.push(`sentinel auth-pass ${masterName} ${password}`);
    if (hasUsers) {
      lines.push(`user ${watcher.name} on >${watcher.password} ${sentinelRights}`);
    }
    if (sentinelPassword !== undefined) lines.push(`requirepass ${sentinelPassword}`);
    if (tls !== undefined) {
      lines.push(`tls-port ${tlsPort}`, `tls-cert-file ${tls.cert}`, `tls-key-file ${tls.key}`);
      lines.push(`tls-ca-cert-file ${tls.ca}`, 'tls-auth-clients no', 'tls-replication yes');
    }
    const file = join(folder, 'sentinel.conf');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const guard = spawnGuard(folder);
    const port = tls === undefined ? plainPort : tlsPort;
    const sentinel = new TestSentinel(home, port, plainPort, file, guard, sentinelPassword);
    await sentinel.run();
    return sentinel;
  }

  get host(): string {
    return this.home.host;
  }

  /** Starts it, as it was when it ended; resolves when it answers. */
  async run(): Promise<void> {
    const sentinel = [findRedisBinary()!, this.file, '--sentinel'];
    const [command, ...args] = [...this.home.prefix, ...sentinel];
    this.#process = spawn(command!, args, { stdio: 'ignore' });
    this.#process.unref();
    await eventually(async () => (await this.ask('PING')).startsWith('+PONG'));
  }

  /** SIGKILL. */
  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  /** Asks over a connection of its own; the reply is as it came. */
  ask(...words: readonly string[]): Promise<string> {
    const login = this.password === undefined ? '' : `AUTH ${this.password}\r\n`;
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.host, port: this.plainPort }, () => {
        socket.end(`${login}${words.join(' ')}\r\n`);
      });
      let reply = '';
      socket.on('data', (bytes) => (reply += bytes.toString()));
      socket.once('error', reject);
      socket.once('close', () => resolve(login === '' ? reply : reply.replace(/^\+OK\r\n/, '')));
    });
  }

  stop(): void {
    this.kill();
    this.guard.stdin?.end();
  }
}
