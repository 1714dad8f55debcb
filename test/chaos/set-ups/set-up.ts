import type { PowerCutRedis } from '../../support/losses';
import type { TestRedis } from '../../support/redis';
import type { HistoryFile } from '../history/history-file';
import type { SeededRandom } from '../seeded-random';
import type { ChaosGateway } from './chaos-gateway';

/** How soon Redis puts what it has acknowledged on the disk. */
export type FsyncPolicy = 'always' | 'everysec' | 'no';

/** What a run is made against: processes, with networks between them that can be broken. */
export interface SetUp {
  readonly gateways: readonly ChaosGateway[];
  readonly redis: TestRedis;
  /** The same server where its power can be cut; null where this machine cannot do that. */
  readonly powerCut: PowerCutRedis | null;
  /** What Redis says that it is. */
  readonly redisVersion: string;
  /** Ends everything that it started. */
  stop(): Promise<void>;
}

/** What set-ups are made with. */
export interface SetUpDeps {
  history: HistoryFile;
  random: SeededRandom;
  /** Where what gateways say is kept; null: nowhere. */
  logFolder: string | null;
}
