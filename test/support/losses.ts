import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askRedis } from './ask-redis';
import { eventually } from './eventually';
import type { Home } from './home';
import { startRedis, startRedisHere, type StartRedisOptions, type TestRedis } from './redis';
import type { LocalRedis } from './redis-local';
import { TcpProxy } from './tcp-proxy';

/**
 * The ways in which a Redis loses what it has acknowledged: its power is cut, it comes back from an
 * older copy of its data, or a replica is promoted that had not received everything.
 */

/** A server whose power can be cut. */
export interface PowerCutRedis extends TestRedis {
  /**
   * From now on no fsync returns, as on a disk that hangs: what is written from here on is lost
   * when the power is cut. Without it, a test would race with the fsync of each second.
   */
  stallDisk(): void;
  /** The disk works again. So it does after a restart. */
  resumeDisk(): void;
  /** Resolves when all that was acknowledged before this call is on the disk. */
  onDisk(): Promise<void>;
  /** SIGKILL, and what no fsync had put on the disk is gone. `restart` goes on with the rest. */
  powerCut(): Promise<void>;
}

/** Starts a server whose power can be cut, on this machine. Needs Linux and a C compiler. */
export async function startPowerCutRedis(
  options: StartRedisOptions & { home?: Home } = {},
): Promise<PowerCutRedis> {
  const redis = await startRedisHere({ ...options, powerCut: true });
  const disk = redis.disk!;
  const synced = async () => (await isWritten(redis)) && disk.isSynced();
  return Object.assign(redis, {
    stallDisk: () => disk.stall(),
    resumeDisk: () => disk.resume(),
    onDisk: async () => {
      await eventually(synced, { what: 'an fsync of everything' });
    },
  });
}

/** True when nothing waits in the server's memory for its turn to be written to the file. */
async function isWritten(redis: TestRedis): Promise<boolean> {
  return /^aof_buffer_length:0\r?$/m.test(await askRedis(redis.peer, 'INFO persistence'));
}

/** A copy of a server's data, to bring it back to. */
export interface DataCopy {
  /**
   * Kills the server and starts it with the data as they were when the copy was made. May be called
   * again.
   */
  bringBack(): Promise<void>;
}

/** Copies the data of a server as they are now: everything that it has acknowledged. */
export async function copyData(redis: LocalRedis): Promise<DataCopy> {
  const copy = mkdtempSync(join(tmpdir(), 'sluice-copy-'));
  redis.beforeStop.add(async () => rmSync(copy, { recursive: true, force: true }));
  await eventually(() => isWritten(redis), { what: 'writing to the append-only file' });
  await redis.pause();
  cpSync(redis.dataFolder, copy, { recursive: true });
  await redis.resume();
  return {
    async bringBack() {
      await redis.kill();
      rmSync(redis.dataFolder, { recursive: true, force: true });
      cpSync(copy, redis.dataFolder, { recursive: true });
      await redis.restart();
    },
  };
}

/** A primary and a replica whose link can be cut. */
export interface ReplicatedPair {
  readonly primary: TestRedis;
  readonly replica: TestRedis;
  /** Between the two: `interrupt` it, and the replica stays behind. */
  readonly link: TcpProxy;
  /** Waits until the replica has all that has been written so far. */
  caughtUp(): Promise<void>;
  /** Makes a primary of the replica, as it is. The other one goes on until it is killed. */
  promote(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a primary and a replica behind a proxy; resolves when the replica is in step. */
export async function startReplicatedPair(
  options: Pick<StartRedisOptions, 'args'> = {},
): Promise<ReplicatedPair> {
  const primary = await startRedis(options);
  const link = new TcpProxy(primary.peer);
  const replica = await startRedis({
    ...options,
    replicaOf: { host: '127.0.0.1', port: await link.start() },
  });
  const inStep = async () =>
    (await askRedis(replica, 'INFO replication')).includes('master_link_status:up');
  await eventually(inStep, { what: 'replication' });
  return {
    primary,
    replica,
    link,
    caughtUp: async () => {
      const written = offsetIn('master', await askRedis(primary, 'INFO replication'));
      const hasAll = async () =>
        offsetIn('slave', await askRedis(replica, 'INFO replication')) >= written;
      await eventually(hasAll, { what: 'catching up' });
    },
    promote: async () => void (await askRedis(replica, 'REPLICAOF NO ONE')),
    stop: async () => {
      await Promise.all([replica.stop(), primary.stop()]);
      await link.stop();
    },
  };
}

/** How far a server has come, by what it says of its replication. */
function offsetIn(role: 'master' | 'slave', info: string): number {
  return Number(new RegExp(`^${role}_repl_offset:(\\d+)`, 'm').exec(info)?.[1]);
}
