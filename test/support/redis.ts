import { randomBytes } from 'node:crypto';
import { silentLogger, systemClock } from '@sluice/base';
import { RedisLink, type LinkDeps, type RedisOptions } from '@sluice/redis';
import type { Home } from './home';
import { dockerAnswers, startDockerRedis } from './redis-docker';
import { findRedisBinary, startLocalRedis, type LocalRedis } from './redis-local';
import { wantsReplica } from './servers/setup';
import { TcpProxy } from './tcp-proxy';

/** A Redis server of a test's own. */
export interface TestRedis {
  /** How what is tested finds it: with TLS, a user or a database where the set-up says so. */
  readonly url: string;
  /** How the test itself finds it: with all rights and without TLS, in the same database. */
  readonly adminUrl: string;
  readonly host: string;
  /** Without TLS. */
  readonly port: number;
  /** The server's process, where it runs on this machine; null in a container. */
  readonly pid: number | null;
  /** Where a replica of this server finds it. */
  readonly peer: { host: string; port: number };
  /** Run by `stop` before the server ends. */
  readonly beforeStop: Set<() => Promise<void>>;
  /** Ends the server for good and removes its data. Harmless when repeated. */
  stop(): Promise<void>;
  /** SIGKILL. All that was acknowledged stays, however slow the disk is. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same data; kills it first if it runs. */
  restart(): Promise<void>;
  /** Freezes the server: it keeps its connections, and answers nothing until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** How to start a server. */
export interface StartRedisOptions {
  /** Arguments for redis-server, as `['--maxmemory', '10mb']`; they win over the defaults. */
  args?: readonly string[];
  /** Makes the server a replica of another test server, or of what a proxy leads to. */
  replicaOf?: TestRedis | { host: string; port: number };
}

/** What every server of a test is started with: durable over a kill, and no snapshots. */
export const defaultArgs: readonly string[] = [
  '--save',
  '',
  '--appendonly',
  'yes',
  '--appendfsync',
  'everysec',
  '--stream-node-max-bytes',
  '1mb',
  // Otherwise a new replica waits five seconds for others to join it.
  '--repl-diskless-sync-delay',
  '0',
];

/**
 * Starts a Redis: in a container where a Docker engine answers at once, else from this machine's
 * `redis-server` or `valkey-server`. `SLUICE_TEST_REDIS=local` or `docker` takes the choice away.
 * The server ends with the test process in any case; `stop()` ends it earlier.
 *
 * @throws Error that says how to get a Redis when there is none
 */
export async function startRedis(options: StartRedisOptions = {}): Promise<TestRedis> {
  const args = argsOf(options);
  const forced = process.env.SLUICE_TEST_REDIS;
  if (forced !== undefined && forced !== '' && forced !== 'local' && forced !== 'docker') {
    throw new Error(`SLUICE_TEST_REDIS must be "local" or "docker", not "${forced}".`);
  }
  if (forced === 'docker') return startDockerRedis(args);
  const binary = findRedisBinary();
  if (forced !== 'local' && (await dockerAnswers())) {
    try {
      return await startDockerRedis(args);
    } catch (error) {
      // An engine that cannot get the image (no registry in reach) is as good as none.
      if (binary === null) throw error;
    }
  }
  if (binary === null) throw new Error(howToGetRedis);
  return startLocalRedis({ binary, args });
}

/**
 * Starts a server on this machine, never in a container: for tests that touch its data or its disk.
 *
 * @param options.powerCut lets its power be cut; see losses.ts
 * @param options.home where it runs, if not on this machine as it is
 */
export function startRedisHere(
  options: StartRedisOptions & { powerCut?: boolean; home?: Home } = {},
): Promise<LocalRedis> {
  const binary = findRedisBinary();
  if (binary === null) throw new Error(howToGetRedis);
  const { powerCut, home } = options;
  return startLocalRedis({ binary, args: argsOf(options), powerCut, home });
}

function argsOf({ replicaOf, args = [] }: StartRedisOptions): string[] {
  if (replicaOf === undefined) return [...defaultArgs, ...args];
  const { host, port } = 'peer' in replicaOf ? replicaOf.peer : replicaOf;
  return [...defaultArgs, '--replicaof', host, String(port), ...args];
}

let shared: Promise<TestRedis> | null = null;

/**
 * The one server of a spec file, started at the first call. For specs that need no server of their
 * own and keep apart by `freshPrefix()`. Stop it in `afterAll`.
 */
export function sharedRedis(): Promise<TestRedis> {
  shared ??= startShared();
  return shared;
}

/** Specs that count replicas start their own; in the set-up `replica` the shared one has one. */
async function startShared(): Promise<TestRedis> {
  const server = await startRedis();
  if (!wantsReplica()) return server;
  const proxy = new TcpProxy(server.peer);
  const replicaOf = { host: '127.0.0.1', port: await proxy.start() };
  const replica = await startRedis({ replicaOf });
  server.beforeStop.add(() => replica.stop());
  server.beforeStop.add(() => proxy.stop());
  return server;
}

/** A key prefix that no other test uses. */
export function freshPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}:`;
}

/**
 * Connects to a test server, with a fresh key prefix unless one is given. A link that the test does
 * not close is closed when the server stops.
 */
export async function connectLink(
  redis: TestRedis,
  options: Partial<RedisOptions> = {},
  deps: Partial<LinkDeps> = {},
): Promise<RedisLink> {
  const link = await RedisLink.connect(
    { url: redis.url, keyPrefix: freshPrefix(), connectTimeoutMs, ...options },
    { log: silentLogger, clock: systemClock, ...deps },
  );
  redis.beforeStop.add(() => link.close());
  return link;
}

/** For a machine that is busy; a test that waits for the end of it names its own. */
const connectTimeoutMs = 20_000;

const admins = new WeakMap<TestRedis, Promise<RedisLink>>();

/**
 * A client with all rights, for what a gateway does not do itself. It ends with the server, and
 * is one, however often it is asked for, unless that one has lost its connection.
 */
export async function adminOf(redis: TestRedis): Promise<RedisLink['write']> {
  const known = await admins.get(redis)?.catch(() => null);
  if (known?.status().connected === true) return known.write;
  const link = connectLink(redis, { url: redis.adminUrl });
  admins.set(redis, link);
  return (await link).write;
}

const howToGetRedis = [
  'The tests need a Redis, and there is none to be started:',
  'no Docker engine answers, and neither redis-server nor valkey-server is on the PATH.',
  'Start Docker, or install one:',
  '  Debian, Ubuntu   apt-get install redis-server',
  '  Fedora           dnf install valkey',
  '  Alpine           apk add valkey',
  '  macOS            brew install redis',
].join('\n');
