import { curedByTime, startProblemOf } from '../connect-error';
import { RedisStartError, type StartProblem } from '../errors';
import { redisLimits } from '../options';
import { AskedServer, type AskedTerms } from './asked-server';
import { whatMostSay } from './majority';
import { addressText, type Address } from './place';

/** A primary of a cluster, and what it serves. */
export interface ClusterPart {
  primaryId: string;
  address: Address;
  /** Any of these may be the primary one day. */
  replicaIds: readonly string[];
  /** First and last slot of each range. */
  ranges: readonly (readonly [number, number])[];
}

/** What the nodes are asked with. */
export interface ClusterNodesParts {
  /** Where the nodes are that the URL names. */
  seeds: readonly Address[];
  terms: AskedTerms;
  /** The URL without its password. */
  label: string;
}

/** One node of CLUSTER SLOTS: where it is, and its id. */
type NodeRow = readonly [host: string | null, port: number, id: string];
type SlotsRow = readonly [from: number, to: number, ...nodes: NodeRow[]];

/**
 * Asks the nodes of a Redis Cluster who serves what. Several are asked at the same time, and what
 * most of them say is believed: one that is cut off may not know of a failover.
 */
export class ClusterNodes {
  readonly #servers = new Map<string, AskedServer>();
  /** Where to begin among the known nodes, so that all have their turn where some are away. */
  #from = 0;

  constructor(private readonly parts: ClusterNodesParts) {
    for (const seed of parts.seeds) this.#know(seed);
  }

  /** @throws RedisStartError that says what each node answered */
  async read(): Promise<ClusterPart[]> {
    const known = [...this.#servers.values()];
    const count = Math.min(known.length, redisLimits.clusterNodesAskedMax);
    const asked = Array.from({ length: count }, (_, i) => known[(this.#from + i) % known.length]!);
    const problems: string[] = asked.map(() => '');
    const kinds: StartProblem[] = asked.map(() => 'unreachable');
    const answers = asked.map(async (server, index) => {
      try {
        const rows = (await server.ask('CLUSTER', 'SLOTS')) as SlotsRow[];
        if (rows.length > 0) return { rows, parts: partsOf(rows, server.address) };
        problems[index] = 'it serves no slots';
      } catch (error) {
        const { message } = error as Error;
        problems[index] = problemOf(message);
        kinds[index] = startProblemOf(message);
      }
      return null;
    });
    const best = await whatMostSay(answers, { textOf: ({ parts }) => JSON.stringify(parts) });
    if (best === null) {
      this.#from += count;
      throw this.#nobody(asked, problems, kinds);
    }
    this.#knowAll(best.rows);
    return best.parts;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }

  /** Those that the cluster has now, and those that the URL names. */
  #knowAll(rows: readonly SlotsRow[]): void {
    const wanted = new Set(this.parts.seeds.map((seed) => addressText(seed)));
    for (const [, , ...nodes] of rows) {
      for (const [host, port] of nodes) {
        if (host === null || host === '') continue;
        wanted.add(addressText({ host, port }));
        this.#know({ host, port });
      }
    }
    for (const [name, server] of this.#servers) {
      if (wanted.has(name)) continue;
      this.#servers.delete(name);
      void server.close();
    }
  }

  #know(address: Address): void {
    const name = addressText(address);
    if (this.#servers.has(name)) return;
    this.#servers.set(name, new AskedServer(address, this.parts.terms));
  }

  #nobody(
    asked: readonly AskedServer[],
    problems: readonly string[],
    kinds: readonly StartProblem[],
  ): RedisStartError {
    const each = asked.map(({ name }, index) => `  ${name}: ${problems[index]}`);
    const isNone = problems.every((problem) => problem === noCluster);
    const advice = isNone
      ? 'For one server without cluster-enabled use redis://host:port.'
      : 'Are these nodes of the cluster, and do they run? Try: redis-cli -u url CLUSTER SLOTS';
    const head = `Redis at ${this.parts.label} cannot be found: no node says who serves what.`;
    const lines = [head, ...each, advice];
    // Where a node refuses the password, it is of no use to wait for the others.
    const kind = kinds.find((one) => !curedByTime.includes(one)) ?? 'unreachable';
    return new RedisStartError(isNone ? 'unsupported-set-up' : kind, lines.join('\n'));
  }
}

const noCluster = 'it is a server by itself, and no node of a cluster';

function problemOf(text: string): string {
  if (/cluster support disabled/.test(text)) return noCluster;
  if (text.startsWith('NOAUTH')) return 'it wants a password, and REDIS_URL has none';
  if (text.startsWith('WRONGPASS')) return 'it refuses the user name or the password';
  return text;
}

/** By primary, in the order of their first slots. An empty host is that of whoever was asked. */
function partsOf(rows: readonly SlotsRow[], asked: Address): ClusterPart[] {
  const parts = new Map<string, ClusterPart & { ranges: [number, number][] }>();
  for (const [from, to, primary, ...replicas] of [...rows].sort((a, b) => a[0] - b[0])) {
    const [host, port, primaryId] = primary!;
    const replicaIds = replicas.map(([, , id]) => id).sort();
    const address = { host: host === null || host === '' ? asked.host : host, port };
    const part = parts.get(primaryId) ?? { primaryId, address, replicaIds, ranges: [] };
    part.ranges.push([from, to]);
    parts.set(primaryId, part);
  }
  return [...parts.values()];
}
