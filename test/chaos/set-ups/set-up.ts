import type { PowerCutRedis } from '../../support/losses';
import type { TestRedis } from '../../support/redis';
import type { TestCluster } from '../../support/redis-cluster';
import type { LocalRedis } from '../../support/redis-local';
import type { TestSentinel } from '../../support/sentinels';
import type { HistoryFile } from '../history/history-file';
import type { ChaosNetwork } from '../network/chaos-network';
import type { Line } from '../network/line';
import type { SeededRandom } from '../seeded-random';
import type { ChaosGateway } from './chaos-gateway';

/** How soon Redis puts what it has acknowledged on the disk. */
export type FsyncPolicy = 'always' | 'everysec' | 'no';

/** One Redis. */
export interface AloneRedis {
  readonly kind: 'alone';
  readonly server: TestRedis;
  /** The same server where its power can be cut; null where this machine cannot do that. */
  readonly powerCut: PowerCutRedis | null;
}

/** Primaries and their replicas. */
export interface SeveralRedis {
  readonly kind: 'several';
  /** Those that look after the servers; none in a cluster, which looks after itself. */
  readonly sentinels: readonly TestSentinel[];
  /** Null where the servers are no cluster. */
  readonly cluster: TestCluster | null;
  /** One of the primaries. */
  primary(random: SeededRandom): Promise<LocalRedis>;
  /** One of the replicas. */
  replica(random: SeededRandom): Promise<LocalRedis>;
  /** Has a replica take the place of a primary in good order. */
  failover(primary: LocalRedis): Promise<unknown>;
  /** Resolves when another server has the place of what was a primary. */
  promoted(primary: LocalRedis): Promise<unknown>;
  /** Resolves when every primary is known to all, and its replicas follow it. */
  settled(): Promise<unknown>;
  /** The network between a gateway and one of the servers. */
  lineTo(gateway: ChaosGateway, server: LocalRedis): Line;
  /** Nothing gets from other servers and Sentinels to a server any more, nor from it to them. */
  cutOff(server: LocalRedis): void | Promise<void>;
  /** The network between the servers is whole again. */
  heal(): void | Promise<void>;
}

/** What a run is made against: processes, with networks between them that can be broken. */
export interface SetUp {
  readonly gateways: readonly ChaosGateway[];
  readonly redis: AloneRedis | SeveralRedis;
  /** So many servers have each record. */
  readonly copies: number;
  /** What Redis says that it is. */
  readonly redisVersion: string;
  /** Ends everything that it started. */
  stop(): Promise<void>;
}

/** What set-ups are made with. */
export interface SetUpDeps {
  history: HistoryFile;
  network: ChaosNetwork;
  /** Where what gateways say is kept; null: nowhere. */
  logFolder: string | null;
}
