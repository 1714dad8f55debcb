import { TestCluster, type ClusterServer } from '../../support/redis-cluster';
import { eventually } from '../../support/eventually';
import { hostAndPort } from '../../support/home';
import type { LocalRedis } from '../../support/redis-local';
import type { ServerFront } from '../../support/server-front';
import type { ChaosNetwork } from '../network/chaos-network';
import type { SeededRandom } from '../seeded-random';
import type { SetUp, SetUpDeps, SeveralRedis } from './set-up';
import { startSetUp, type StartedRedis } from './start-set-up';

/** Each primary has one replica. */
const copies = 2;
const slotCount = 16_384;

function severalOf(cluster: TestCluster, network: ChaosNetwork): SeveralRedis {
  const servers = cluster.servers.map(({ server }) => server);
  const ofServer = (server: LocalRedis) => cluster.servers[servers.indexOf(server)]!;
  const primary = async (random: SeededRandom) =>
    eventually(() => cluster.ownerOf(random.below(slotCount)));
  /** Of each primary, who follows it; known before anything happens to it. */
  const replicas = new Map<LocalRedis, ClusterServer>();
  return {
    kind: 'several',
    sentinels: [],
    cluster,
    async primary(random) {
      const found = await primary(random);
      replicas.set(found.server, await cluster.replicaOf(found));
      return found.server;
    },
    replica: async (random) => (await cluster.replicaOf(await primary(random))).server,
    failover: (server) => cluster.failover(ofServer(server)),
    promoted: (server) => cluster.promoted(replicas.get(server)!),
    settled: () => cluster.isWhole(servers.length / 2),
    lineTo: ({ place }, server) => place.redisLines[servers.indexOf(server)]!,
    cutOff: (server) => network.cutOff(servers.indexOf(server)),
    heal: () => network.heal(),
  };
}

/** Starts some gateways on a Redis Cluster of three primaries with a replica each. */
export function startOnCluster(count: number, deps: SetUpDeps): Promise<SetUp> {
  return startSetUp(count, deps, startCluster);
}

async function startCluster(network: ChaosNetwork): Promise<StartedRedis> {
  const fronts: ServerFront[] = [];
  const front = async (server: number) => (fronts[server] = await network.front(true));
  const cluster = await TestCluster.start({ front });
  const servers = cluster.servers.map(({ server }) => server);
  return {
    redis: severalOf(cluster, network),
    found: servers.map(({ host, port }, i) => ({ host, port, toldPort: fronts[i]!.port })),
    server: servers[0]!,
    urlOf: (addresses) => `redis+cluster://${addresses.map(hostAndPort).join(',')}`,
    copies,
    stop: () => cluster.stop(),
  };
}
