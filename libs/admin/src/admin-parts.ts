import type { Clock, Lifecycle, Logger, Metrics, MetricsText, Random } from '@sluice/base';
import type { Broker } from '@sluice/broker';
import type { GroupCoordinator } from '@sluice/groups';
import type { PartitionStore, TopicCatalog } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import type { Housekeeping } from '@sluice/retention';
import type { AdminOptions } from './options';
import type { AdminDoor } from './server/door';

/** What the HTTP port of any app is made on: health and metrics need no more. */
export interface DoorParts {
  readonly options: AdminOptions;
  readonly door: AdminDoor;
  readonly redis: RedisLink;
  readonly housekeeping: Housekeeping;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Null where nobody keeps metrics. */
  readonly metricsText: MetricsText | null;
  readonly lifecycle: Lifecycle;
}

/** What the admin endpoints are made on: the parts of the gateway that runs in this process. */
export interface AdminParts extends DoorParts {
  readonly catalog: TopicCatalog;
  readonly store: PartitionStore;
  readonly groups: GroupCoordinator;
  readonly broker: Broker;
  readonly clusterId: string;
  /** The version of the program. */
  readonly version: string;
  readonly metrics: Metrics;
}
