import { askRedis } from './ask-redis';
import { eventually } from './eventually';
import { hostAndPort, type Home } from './home';
import { startRedisHere } from './redis';
import { freePort, type LocalRedis } from './redis-local';
import type { MakeFront } from './server-front';
import { tlsArgs, type TestCertificates } from './servers/certificates';
import { userArgs, userLogin } from './servers/setup';

const slotCount = 16_384;
const nodeTimeoutMs = 2_000;
/** Longer than a replica tries to take over. */
const failoverMsMax = 6_000;
const failoverAsksMax = 7;

/** One server of a cluster. */
export interface ClusterServer {
  server: LocalRedis;
  /** Where the others and what is tested find it. */
  port: number;
  busPort: number;
  id: string;
}

/** How the servers of a cluster are to be. */
interface ServerOptions {
  /** Where it runs; missing: on this machine as it is. */
  home?: Home | undefined;
  /** More arguments. */
  args?: readonly string[];
  /** It is logged in to as a user who may do what the documents ask for, and nothing else. */
  hasUser?: boolean;
  /** All of them want TLS, among each other too. */
  tls?: TestCertificates | undefined;
}

/** How a cluster is to be. */
interface ClusterOptions extends ServerOptions {
  /** Default: 3. */
  primaries?: number;
  /** Default: 3. */
  replicas?: number;
  /** By what the others find each server; without it by its own address. */
  front?: MakeFront;
}

/** Primaries with a replica each, on this machine; the first primaries have the slots. */
export class TestCluster {
  private constructor(
    readonly servers: readonly ClusterServer[],
    private readonly options: ServerOptions,
  ) {}

  /** Resolves when all servers know that the cluster is whole. */
  static async start({
    primaries = 3,
    replicas = 3,
    front,
    ...options
  }: ClusterOptions = {}): Promise<TestCluster> {
    const servers: ClusterServer[] = [];
    for (let i = 0; i < primaries + replicas; i++) {
      const own = await front?.(i);
      const args = [...(options.args ?? []), ...(own?.args ?? [])];
      const added = await startServer({ ...options, home: own?.home, args });
      own?.leadsTo(added.server.port, added.busPort);
      servers.push(added);
    }
    const cluster = new TestCluster(servers, options);
    await cluster.#join(servers);
    const slots = Math.ceil(slotCount / primaries);
    for (let i = 0; i < primaries; i++) {
      const [from, to] = [i * slots, Math.min((i + 1) * slots, slotCount) - 1];
      await cluster.ask(servers[i]!, `CLUSTER ADDSLOTSRANGE ${from} ${to}`);
    }
    for (let i = 0; i < replicas; i++) {
      const replica = servers[primaries + i]!;
      const { id } = servers[i % primaries]!;
      await eventually(() => cluster.ask(replica, `CLUSTER REPLICATE ${id}`));
    }
    await cluster.isWhole(replicas);
    return cluster;
  }

  /** How what is tested finds it. */
  get url(): string {
    const { tls, hasUser } = this.options;
    const nodes = this.servers.map(({ server: { host }, port }) => hostAndPort({ host, port }));
    const login = hasUser ? `${userLogin}@` : '';
    return `${tls ? 'rediss' : 'redis'}+cluster://${login}${nodes.join(',')}`;
  }

  ask({ server }: ClusterServer, command: string): Promise<string> {
    return askRedis(server, command);
  }

  /** Starts one more server, which has no slots. */
  async add(): Promise<ClusterServer> {
    const added = await startServer(this.options);
    (this.servers as ClusterServer[]).push(added);
    await this.#join([this.servers[0]!, added]);
    await eventually(async () =>
      (await this.ask(added, 'CLUSTER INFO')).includes('cluster_state:ok'),
    );
    return added;
  }

  /** The server that has a slot, as those say that answer. */
  async ownerOf(slot: number): Promise<ClusterServer> {
    for (const one of this.servers) {
      const nodes = await this.ask(one, 'CLUSTER NODES').catch(() => '');
      const mine = nodes.split('\n').find((line) => line.includes('myself'));
      if (mine === undefined || !mine.includes('master')) continue;
      const ranges = mine
        .split(' ')
        .slice(8)
        .filter((text) => !text.startsWith('['));
      const has = ranges.some((text) => {
        const [from, to = from] = text.split('-').map(Number);
        return slot >= from! && slot <= to!;
      });
      if (has) return one;
    }
    throw new Error(`no server has the slot ${slot}`);
  }

  /** The replica of a server. */
  async replicaOf({ id }: ClusterServer): Promise<ClusterServer> {
    return eventually(async () => {
      for (const one of this.servers) {
        const nodes = await this.ask(one, 'CLUSTER NODES').catch(() => '');
        const mine = nodes.split('\n').find((line) => line.includes('myself'));
        if (mine?.split(' ')[3] === id) return one;
      }
      return null;
    });
  }

  /** Has a replica take over from its primary in good order. */
  async failover(primary: ClusterServer): Promise<ClusterServer> {
    const replica = await this.replicaOf(primary);
    for (let asked = 1; ; asked++) {
      await eventually(() => this.ask(replica, 'CLUSTER FAILOVER'));
      try {
        await this.promoted(replica, failoverMsMax);
        return replica;
      } catch (error) {
        // A replica gives it up after five seconds.
        if (asked === failoverAsksMax) throw error;
      }
    }
  }

  /**
   * After how long without an answer a server counts as gone.
   *
   * @param frozen is not told
   */
  async setNodeTimeout(ms: number = nodeTimeoutMs, frozen?: ClusterServer): Promise<void> {
    const command = `CONFIG SET cluster-node-timeout ${ms}`;
    const told = this.servers.filter((one) => one !== frozen);
    await Promise.all(told.map((one) => this.ask(one, command)));
  }

  /** Resolves when a replica has become a primary. */
  promoted(replica: ClusterServer, timeoutMs?: number): Promise<boolean> {
    // The role of a primary has three parts, that of a replica five.
    const isPrimary = async () => (await this.ask(replica, 'ROLE')) === '3';
    return eventually(isPrimary, { timeoutMs, what: 'a promotion' });
  }

  /** Moves a slot with all that is in it, as `redis-cli --cluster reshard` does. */
  async move(slot: number, to: ClusterServer, between?: () => Promise<unknown>): Promise<void> {
    const from = await this.ownerOf(slot);
    await this.ask(to, `CLUSTER SETSLOT ${slot} IMPORTING ${from.id}`);
    await this.ask(from, `CLUSTER SETSLOT ${slot} MIGRATING ${to.id}`);
    for (;;) {
      const key = await this.#firstKeyIn(from, slot);
      if (key === null) break;
      // After a time-out the target may have it.
      const migrate = `MIGRATE ${to.server.host} ${to.port} ${key} 0 4000 REPLACE`;
      await eventually(() => this.ask(from, migrate));
      await between?.();
    }
    for (const one of [to, from]) await this.ask(one, `CLUSTER SETSLOT ${slot} NODE ${to.id}`);
  }

  /** Resolves when every server says that all slots are served, and all replicas follow. */
  async isWhole(replicas: number): Promise<void> {
    const isOk = async (one: ClusterServer): Promise<boolean> => {
      const info = await this.ask(one, 'CLUSTER INFO');
      if (!info.includes('cluster_state:ok') || !info.includes(`slots_ok:${slotCount}`))
        return false;
      return info.includes(`cluster_known_nodes:${this.servers.length}`);
    };
    await eventually(async () => {
      const all = await Promise.all(this.servers.map(isOk));
      const following = await Promise.all(
        this.servers.map(async (one) => {
          const info = await this.ask(one, 'INFO replication');
          return info.includes('master_link_status:up');
        }),
      );
      return all.every(Boolean) && following.filter(Boolean).length === replicas;
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map(({ server }) => server.stop()));
  }

  async #firstKeyIn(server: ClusterServer, slot: number): Promise<string | null> {
    const count = Number(await this.ask(server, `CLUSTER COUNTKEYSINSLOT ${slot}`));
    if (count === 0) return null;
    const script = `"return redis.call('CLUSTER','GETKEYSINSLOT',${slot},1)[1]"`;
    return this.ask(server, `EVAL ${script} 0`);
  }

  async #join(servers: readonly ClusterServer[]): Promise<void> {
    const [first, ...others] = servers;
    for (const { server, port, busPort } of others) {
      await this.ask(first!, `CLUSTER MEET ${server.host} ${port} ${busPort}`);
    }
    const count = this.servers.length;
    await eventually(async () => {
      const infos = await Promise.all(servers.map((one) => this.ask(one, 'CLUSTER INFO')));
      return infos.every((info) => info.includes(`cluster_known_nodes:${count}`));
    });
  }
}

async function startServer({
  home,
  args = [],
  hasUser,
  tls,
}: ServerOptions): Promise<ClusterServer> {
  const [busPort, tlsPort] = [await freePort(), await freePort()];
  const secure = tls && [...tlsArgs(tls, tlsPort), '--tls-cluster', 'yes'];
  const given = [...(secure ?? []), ...(hasUser ? userArgs() : []), ...args];
  const own = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
  const timing = [
    '--cluster-node-timeout',
    String(nodeTimeoutMs),
    '--cluster-allow-replica-migration',
    'no',
  ];
  const server = await startRedisHere({ args: [...own, ...timing, ...given], home });
  return {
    server,
    port: tls ? tlsPort : server.port,
    busPort,
    id: await askRedis(server, 'CLUSTER MYID'),
  };
}
