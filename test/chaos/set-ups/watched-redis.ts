import { hostAndPort } from '../../support/home';
import { WatchedRedis } from '../../support/sentinels';
import type { ServerFront } from '../../support/server-front';
import type { ChaosNetwork } from '../network/chaos-network';
import type { SetUp, SetUpDeps, SeveralRedis } from './set-up';
import { startSetUp, type StartedRedis } from './start-set-up';

/** The primary and two replicas: only what all of them have survives any failover. */
const copies = 3;
/** As docs/redis.md says: a primary that is cut off from all replicas takes no writes for long. */
const args = ['--min-replicas-to-write', '1'];

function severalOf(watched: WatchedRedis, network: ChaosNetwork): SeveralRedis {
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
    lineTo: ({ place }, server) => place.redisLines[sentinels.length + servers.indexOf(server)]!,
    cutOff: (server) => network.cutOff(servers.indexOf(server)),
    heal: () => network.heal(),
  };
}

/** Starts some gateways on a Redis that Sentinels look after. */
export function startOnWatchedRedis(count: number, deps: SetUpDeps): Promise<SetUp> {
  return startSetUp(count, deps, startWatched);
}

async function startWatched(network: ChaosNetwork): Promise<StartedRedis> {
  const fronts: ServerFront[] = [];
  const watched = await WatchedRedis.start({
    args,
    front: async (server) => (fronts[server] = await network.front(false)),
    sentinelHome: () => network.home(),
  });
  const { sentinels, servers } = watched;
  const all = servers.map(({ host, port }, i) => ({ host, port, toldPort: fronts[i]!.port }));
  return {
    redis: severalOf(watched, network),
    found: [...sentinels, ...all],
    server: servers[0]!,
    urlOf: (addresses) =>
      watched.urlWith({ hosts: addresses.slice(0, sentinels.length).map(hostAndPort) }),
    copies,
    stop: () => watched.stop(),
  };
}
