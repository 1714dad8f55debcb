import { slotOf } from '@sluice/redis';
import { askRedis } from '../../support/ask-redis';
import { eventually } from '../../support/eventually';
import type { LocalRedis } from '../../support/redis-local';
import { together } from '../network/line';
import type { SeveralRedis, SetUp } from '../set-ups/set-up';
import type { FaultKind, FaultScene, FaultTarget } from './fault-kind';
import { redisNetworkOf } from './network-faults';
import { notReplicated, nothing, type MayLoseMs } from './promises';

/** What happens to servers of which there are several. */
interface SeveralScene extends FaultScene {
  redis: SeveralRedis;
}

type About = Pick<FaultKind, 'name' | 'about' | 'lasts'> & {
  mayLoseMs?: MayLoseMs;
  target?: string;
  uses?: (setUp: SetUp) => readonly string[];
};

/** One at a time: what is promised holds for one of them, and not for two at once. */
function severalFault(
  { mayLoseMs = nothing, target = 'redis', uses, ...about }: About,
  act: (scene: SeveralScene) => Promise<void>,
  whyNot: (redis: SeveralRedis) => string | null = () => null,
): FaultKind {
  return {
    ...about,
    mayLoseMs,
    whyNot: ({ redis }) =>
      redis.kind === 'several' ? whyNot(redis) : 'it is for several servers of Redis',
    targets: (setUp): FaultTarget[] => [
      {
        name: target,
        uses: uses?.(setUp),
        async run(scene) {
          const { redis } = scene.setUp;
          if (redis.kind !== 'several') throw new Error('there is one server');
          await act({ ...scene, redis });
        },
      },
    ],
  };
}

async function kill(server: LocalRedis, { wait, forMs }: FaultScene): Promise<void> {
  await server.kill();
  await wait(forMs);
}

/**
 * Parts the network: a primary and one gateway on one side, and everything else on the other. The
 * gateway goes on with that primary, which does not know that it is one no more.
 */
async function part({ redis, setUp, random, wait, forMs }: SeveralScene): Promise<void> {
  const primary = await redis.primary(random);
  const inside = setUp.gateways[random.below(setUp.gateways.length)]!;
  const between = setUp.gateways.flatMap((gateway) => {
    const toPrimary = redis.lineTo(gateway, primary);
    if (gateway !== inside) return [toPrimary];
    return gateway.place.redisLines.filter((line) => line !== toPrimary);
  });
  const parted = together(between);
  try {
    await redis.cutOff(primary);
    await parted.set({ kind: 'silent' });
    await wait(forMs);
  } finally {
    await redis.heal();
    await parted.set(null);
  }
  await redis.settled();
}

async function moveSlot({ redis, random, wait, forMs }: SeveralScene): Promise<void> {
  const { cluster } = redis;
  const server = await redis.primary(random);
  const key = await askRedis(server, 'EVAL "return redis.call(\'RANDOMKEY\')" 0');
  if (key === '') return;
  const slot = slotOf(key);
  const to = await eventually(async () => {
    const other = await redis.primary(random);
    return other === server ? null : other;
  });
  const target = cluster!.servers.find((one) => one.server === to)!;
  await cluster!.move(slot, target, () => wait(forMs));
  await redis.settled();
}

/** What happens to primaries, replicas and Sentinels. */
export const severalFaults: readonly FaultKind[] = [
  severalFault(
    {
      name: 'primary-kill',
      about: 'SIGKILL to a primary, a replica takes its place, and it comes back as a replica',
      lasts: { least: 0, most: 3 },
      mayLoseMs: notReplicated,
    },
    async (scene) => {
      const { redis, random } = scene;
      const primary = await redis.primary(random);
      await primary.kill();
      await redis.promoted(primary);
      await scene.wait(scene.forMs);
      await primary.restart();
      await redis.settled();
    },
  ),
  severalFault(
    {
      name: 'primary-pause',
      about: 'SIGSTOP to a primary, for so long that it is replaced or not, and SIGCONT',
      lasts: { least: 0.5, most: 8 },
      mayLoseMs: notReplicated,
    },
    async ({ redis, random, wait, forMs }) => {
      const primary = await redis.primary(random);
      await primary.pause();
      try {
        await wait(forMs);
      } finally {
        await primary.resume();
      }
      await redis.settled();
    },
  ),
  severalFault(
    {
      name: 'primary-cut-off',
      about: 'a primary and one gateway are cut off from all other servers and gateways',
      lasts: { least: 1, most: 9 },
      mayLoseMs: notReplicated,
      uses: ({ gateways }) => gateways.map(redisNetworkOf),
    },
    part,
  ),
  severalFault(
    {
      name: 'primary-unwatched',
      about: 'a primary is cut off from all other servers, and gateways reach all of them',
      lasts: { least: 1, most: 9 },
      mayLoseMs: notReplicated,
    },
    async ({ redis, random, wait, forMs }) => {
      const primary = await redis.primary(random);
      try {
        await redis.cutOff(primary);
        await wait(forMs);
      } finally {
        await redis.heal();
      }
      await redis.settled();
    },
  ),
  severalFault(
    {
      name: 'failover',
      about: 'a replica takes the place of a primary, as an operator asks for it',
      lasts: { least: 0, most: 0 },
      mayLoseMs: notReplicated,
    },
    async ({ redis, random }) => {
      await redis.failover(await redis.primary(random));
      await redis.settled();
    },
  ),
  severalFault(
    {
      name: 'replica-kill',
      about: 'SIGKILL to a replica, and a new start',
      lasts: { least: 0, most: 4 },
    },
    async (scene) => {
      const { redis, random } = scene;
      const replica = await redis.replica(random);
      await kill(replica, scene);
      await replica.restart();
      await redis.settled();
    },
  ),
  severalFault(
    {
      name: 'sentinel-kill',
      about: 'SIGKILL to a Sentinel, and a new start',
      lasts: { least: 0, most: 8 },
      target: 'sentinels',
    },
    async ({ redis: { sentinels }, random, wait, forMs }) => {
      const sentinel = sentinels[random.below(sentinels.length)]!;
      sentinel.kill();
      await wait(forMs);
      await sentinel.run();
    },
    ({ sentinels }) => (sentinels.length === 0 ? 'it is for Sentinels' : null),
  ),
  severalFault(
    {
      name: 'slot-move',
      about: 'a slot with keys moves to another primary, key by key',
      lasts: { least: 0, most: 0.2 },
    },
    moveSlot,
    ({ cluster }) => (cluster === null ? 'it is for a cluster' : null),
  ),
];
