import type { Clock, Lifecycle, Logger, Metrics, MetricsText, Random } from '@sluice/base';
import type { Broker } from '@sluice/broker';
import type { GroupCoordinator } from '@sluice/groups';
import type { PartitionStore, TopicCatalog } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import type { Housekeeping } from '@sluice/retention';
import type { AdminOptions } from './options';
import type { AdminDoor } from './server/door';

/** What the admin endpoints are made on: the parts of the gateway that runs in this process. */
export interface AdminParts {
  readonly options: AdminOptions;
  readonly door: AdminDoor;
  readonly redis: RedisLink;
  readonly catalog: TopicCatalog;
  readonly store: PartitionStore;
  readonly groups: GroupCoordinator;
  readonly housekeeping: Housekeeping;
  readonly broker: Broker;
  readonly clusterId: string;
  /** The version of the program. */
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Null where nobody keeps metrics. */
  readonly metricsText: MetricsText | null;
  readonly lifecycle: Lifecycle;
}
