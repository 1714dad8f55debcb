import { askRedis } from '../../support/ask-redis';
import { eventually } from '../../support/eventually';
import type { AloneRedis, FsyncPolicy, SetUp } from '../set-ups/set-up';
import type { FaultKind, FaultScene } from './fault-kind';
import { lastSeconds, nothing, type MayLoseMs } from './promises';

const policies: readonly FsyncPolicy[] = ['always', 'everysec', 'no'];

type Act = (scene: FaultScene) => Promise<void>;

function redisFault(
  about: Pick<FaultKind, 'name' | 'about' | 'lasts'> & { mayLoseMs?: MayLoseMs },
  act: Act,
  whyNot: FaultKind['whyNot'] = severalServers,
): FaultKind {
  const targets = () => [{ name: 'redis', run: act }];
  return { mayLoseMs: nothing, ...about, whyNot, targets };
}

/** The one server of a set-up that has one. */
function alone({ redis }: SetUp): AloneRedis {
  if (redis.kind !== 'alone') throw new Error('there are several servers');
  return redis;
}

const ask = (setUp: SetUp, command: string) => askRedis(alone(setUp).server.peer, command);

const severalServers: FaultKind['whyNot'] = ({ redis }) =>
  redis.kind === 'alone' ? null : 'it is for a Redis without replicas';

/** The server itself goes back to `everysec` when it starts again. */
async function setPolicy(setUp: SetUp, policy: FsyncPolicy): Promise<void> {
  await ask(setUp, `CONFIG SET appendfsync ${policy}`);
}

/**
 * Waits for a moment at which no fsync is under way. While one is, a Redis with `everysec` keeps
 * what it acknowledges in its own memory, and a kill would be worse than a kill.
 */
async function noFsync(setUp: SetUp): Promise<void> {
  await eventually(async () => {
    const info = await ask(setUp, 'INFO persistence');
    const isIdle = /^aof_pending_bio_fsync:0\r?$/m.test(info);
    return isIdle && /^aof_buffer_length:0\r?$/m.test(info);
  });
}

function kill(policy: FsyncPolicy): FaultKind {
  return redisFault(
    {
      name: `redis-kill-${policy}`,
      about: `SIGKILL to Redis with appendfsync ${policy}, and a new start`,
      lasts: { least: 0, most: 3 },
    },
    async ({ setUp, forMs, wait }) => {
      await setPolicy(setUp, policy);
      await noFsync(setUp);
      const { server } = alone(setUp);
      await server.kill();
      await wait(forMs);
      await server.restart();
    },
  );
}

const cannotCut: FaultKind['whyNot'] = (setUp) => {
  const { redis } = setUp;
  if (redis.kind !== 'alone') return severalServers(setUp);
  return redis.powerCut === null ? 'a power cut needs Linux and a C compiler' : null;
};

function powerCut(policy: FsyncPolicy, mayLoseMs: MayLoseMs): FaultKind {
  return redisFault(
    {
      name: `power-cut-${policy}`,
      about: `Redis with appendfsync ${policy} loses what was not synced, and starts again`,
      lasts: { least: 0, most: 3 },
      mayLoseMs,
    },
    async ({ setUp, forMs, wait }) => {
      const redis = alone(setUp).powerCut!;
      await setPolicy(setUp, policy);
      // What was acknowledged under the policy before has to be as safe.
      if (policy === 'always') await redis.onDisk();
      await wait(forMs);
      await redis.powerCut();
      await wait(forMs / 2);
      await redis.restart();
    },
    cannotCut,
  );
}

/** What happens to the one Redis. */
export const redisFaults: readonly FaultKind[] = [
  ...policies.map(kill),
  powerCut('always', nothing),
  powerCut('everysec', lastSeconds),
  redisFault(
    {
      name: 'redis-pause',
      about: 'SIGSTOP to Redis, past the time that a command may take or not, and SIGCONT',
      lasts: { least: 0.5, most: 9 },
    },
    async ({ setUp, forMs, wait }) => {
      const { server } = alone(setUp);
      await server.pause();
      try {
        await wait(forMs);
      } finally {
        await server.resume();
      }
    },
  ),
];
