import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const slotCount = 16_384;
/** How long the servers of a new cluster may take to know of each other. */
const clusterMsMax = 30_000;

/** A Redis of the bench, and the tool's own connection to it. */
export interface Server {
  readonly url: string;
  readonly port: number;
  readonly redis: Redis;
  /** As "redis 7.0.15". */
  readonly version: string;
  stop(): Promise<void>;
}

/** Starts a Redis on a free port, without persistence unless it is asked for. */
export async function startRedis(aof: boolean, more: readonly string[] = []): Promise<Server> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const args = ['--port', String(port), '--dir', dir, '--save', '', '--bind', '127.0.0.1'];
  args.push('--appendonly', aof ? 'yes' : 'no', '--stream-node-max-bytes', '1mb', ...more);
  const child = await spawnFirst(['redis-server', 'valkey-server'], args);
  const url = `redis://127.0.0.1:${port}`;
  // The first attempts may come before the server listens; info() below waits for it.
  const redis = new Redis(url, { retryStrategy: () => 50 }).on('error', () => {});
  const version = /(?:redis|valkey)_version:(\S+)/.exec(await redis.info('server'))?.[0] ?? '';
  const stop = async () => {
    redis.disconnect();
    await ended(child);
    rmSync(dir, { recursive: true, force: true });
  };
  return { url, port, redis, version: version.replace('_version:', ' '), stop };
}

/** Primaries that share the slots, without replicas. */
export async function startRedisCluster(
  aof: boolean,
  primaries: number,
): Promise<{ url: string; servers: Server[] }> {
  const servers: Server[] = [];
  try {
    for (let n = 0; n < primaries; n++) {
      servers.push(await startRedis(aof, ['--cluster-enabled', 'yes']));
    }
    const share = Math.ceil(slotCount / primaries);
    for (const [n, { redis }] of servers.entries()) {
      const last = Math.min((n + 1) * share, slotCount) - 1;
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', n * share, last);
      await redis.call('CLUSTER', 'MEET', '127.0.0.1', servers[0]!.port);
    }
    await untilWhole(servers);
  } catch (error) {
    await Promise.all(servers.map((server) => server.stop()));
    throw error;
  }
  const nodes = servers.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return { url: `redis+cluster://${nodes}`, servers };
}

async function untilWhole(servers: readonly Server[]): Promise<void> {
  const until = performance.now() + clusterMsMax;
  const isWhole = async ({ redis }: Server): Promise<boolean> => {
    const info = String(await redis.call('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes(`slots_ok:${slotCount}`);
  };
  while (!(await Promise.all(servers.map(isWhole))).every(Boolean)) {
    if (performance.now() > until) throw new Error('the servers have not become a cluster');
    await sleep(100);
  }
}

/** Asks a process to end, and resolves when it has. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

/** Starts the first of these programs that exists. */
async function spawnFirst(programs: string[], args: string[]): Promise<ChildProcess> {
  for (const program of programs) {
    const child = spawn(program, args, { stdio: 'ignore' });
    const started = await new Promise<boolean>((resolve) => {
      child.once('spawn', () => resolve(true));
      child.once('error', () => resolve(false));
    });
    if (started) return child;
  }
  throw new Error(`none of ${programs.join(', ')} is installed; the bench needs one`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
