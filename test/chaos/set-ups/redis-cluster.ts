import { askRedis } from '../../support/ask-redis';
import { TestCluster, type ClusterServer } from '../../support/redis-cluster';
import type { LocalRedis } from '../../support/redis-local';
import { eventually } from '../../support/eventually';
import type { SeededRandom } from '../seeded-random';
import type { ChaosGateway } from './chaos-gateway';
import { Front } from './fronts';
import { makeGateway, versionIn } from './gateways';
import type { SetUp, SetUpDeps, SeveralRedis } from './set-up';

/** Each primary has one replica. */
const copies = 2;
const slotCount = 16_384;
const host = '127.0.0.1';

function severalOf(cluster: TestCluster, fronts: readonly Front[]): SeveralRedis {
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
    networkTo: ({ redisProxies }, server) => redisProxies[servers.indexOf(server)]!,
    cutOff(server) {
      const own = fronts[servers.indexOf(server)]!;
      for (const front of fronts) front.silence(front === own ? null : own.source);
    },
    heal: () => fronts.forEach((front) => front.heal()),
  };
}

/** Starts some gateways on a Redis Cluster of three primaries with a replica each. */
export async function startOnCluster(count: number, deps: SetUpDeps): Promise<SetUp> {
  const gateways: ChaosGateway[] = [];
  const fronts: Front[] = [];
  let started: TestCluster | null = null;
  const stop = async () => {
    try {
      await Promise.all(gateways.map((gateway) => gateway.close()));
    } finally {
      await started?.stop();
      await Promise.all(fronts.map((front) => front.close()));
    }
  };
  try {
    const front = async (server: number) => {
      fronts.push(await Front.open(server, deps.random, true));
      return fronts[server]!;
    };
    const cluster = (started = await TestCluster.start({ front }));
    const servers = cluster.servers.map(({ server }) => server);
    const found = servers.map(({ port }, i) => ({ port, toldPort: fronts[i]!.port }));
    const urlOf = (ports: readonly number[]) =>
      `redis+cluster://${ports.map((port) => `${host}:${port}`).join(',')}`;
    for (let id = 1; id <= count; id++) {
      gateways.push(await makeGateway({ id, found, urlOf }, deps));
    }
    await Promise.all(gateways.map((gateway) => gateway.open()));
    const redisVersion = versionIn(await askRedis(servers[0]!, 'INFO server'));
    return { gateways, redis: severalOf(cluster, fronts), copies, redisVersion, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
