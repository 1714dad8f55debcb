import { askRedis } from '../../support/ask-redis';
import { WatchedRedis } from '../../support/sentinels';
import type { ChaosGateway } from './chaos-gateway';
import { Front } from './fronts';
import { makeGateway, versionIn } from './gateways';
import type { SetUp, SetUpDeps, SeveralRedis } from './set-up';

/** The primary and two replicas: only what all of them have survives any failover. */
const copies = 3;
/** As docs/redis.md says: a primary that is cut off from all replicas takes no writes for long. */
const args = ['--min-replicas-to-write', '1'];
const host = '127.0.0.1';

function severalOf(watched: WatchedRedis, fronts: readonly Front[]): SeveralRedis {
  const { servers, sentinels } = watched;
  return {
    kind: 'several',
    sentinels,
    cluster: null,
    primary: () => watched.primary(),
    async replica(random) {
      const primary = await watched.primary();
      return random.shuffled(servers.filter((server) => server !== primary))[0]!;
    },
    failover: () => watched.failover(),
    promoted: (primary) => watched.promoted(primary),
    settled: () => watched.settled(),
    networkTo: ({ redisProxies }, server) =>
      redisProxies[sentinels.length + servers.indexOf(server)]!,
    // A primary dials nobody, so this is all of it.
    cutOff: (server) => fronts[servers.indexOf(server)]!.silence(),
    heal: () => fronts.forEach((front) => front.heal()),
  };
}

/** Starts some gateways on a Redis that Sentinels look after. */
export async function startOnWatchedRedis(count: number, deps: SetUpDeps): Promise<SetUp> {
  const gateways: ChaosGateway[] = [];
  const fronts: Front[] = [];
  let watched: WatchedRedis | null = null;
  const stop = async () => {
    try {
      await Promise.all(gateways.map((gateway) => gateway.close()));
    } finally {
      await watched?.stop();
      await Promise.all(fronts.map((front) => front.close()));
    }
  };
  try {
    const front = async (server: number) => {
      fronts.push(await Front.open(server, deps.random, false));
      return fronts[server]!;
    };
    const all = (watched = await WatchedRedis.start({ args, front }));
    const found = [
      ...all.sentinels.map(({ port }) => ({ port })),
      ...all.servers.map(({ port }, i) => ({ port, toldPort: fronts[i]!.port })),
    ];
    const sentinels = all.sentinels.length;
    const urlOf = (ports: readonly number[]) =>
      all.urlWith({ hosts: ports.slice(0, sentinels).map((port) => `${host}:${port}`) });
    for (let id = 1; id <= count; id++) {
      gateways.push(await makeGateway({ id, found, urlOf }, deps));
    }
    await Promise.all(gateways.map((gateway) => gateway.open()));
    const redisVersion = versionIn(await askRedis(all.servers[0]!, 'INFO server'));
    return { gateways, redis: severalOf(all, fronts), copies, redisVersion, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
