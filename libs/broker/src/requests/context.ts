import type { Cluster } from '@sluice/cluster';
import type { GroupCoordinator } from '@sluice/groups';
import type { ProducerIds, TopicCatalog } from '@sluice/log';
import type { Clock, Logger, MemoryBudget, Metrics } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import type { BrokerOptions } from '../options';
import type { AutoCreation } from './auto-creation';
import type { Interceptions } from './interceptions';
import type { Partitions } from '../partitions/partitions';
import type { AppendLines } from '../examiner/append-lines';
import type { Examiner } from '../examiner/examiner';

/** What every handler may use. */
export interface BrokerServices {
  readonly options: BrokerOptions;
  readonly redis: RedisLink;
  /** Who is there, and who leads and coordinates what. */
  readonly cluster: Cluster;
  readonly catalog: TopicCatalog;
  readonly partitions: Partitions;
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIds;
  readonly examiner: Examiner;
  readonly lines: AppendLines;
  readonly fetchBudget: MemoryBudget;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** How many fetches wait for records. */
  readonly waitingFetches: { count: number };
  readonly autoCreation: AutoCreation;
  /** Faults on request, for tests. */
  readonly interceptions: Interceptions;
  /** The cluster's id, the same for all gateways on one Redis and key prefix, for ever. */
  readonly clusterId: string;
}

/** One request: what the broker offers, and who asks in which version. */
export interface RequestContext {
  readonly services: BrokerServices;
  readonly apiVersion: number;
  /** Empty when the client gave none. */
  readonly clientId: string;
  /** The client's address, as Kafka writes it: `/127.0.0.1`. */
  readonly clientHost: string;
  /** Aborted when the connection is gone or the gateway stops, so that nothing waits for nobody. */
  readonly signal: AbortSignal;
  /**
   * Says that the request's bytes may still be in use after the reply, so that their memory is not
   * used for another request.
   */
  keepFrame(): void;
  /** Runs `done` when the reply is in the kernel's hands, or the connection is gone. */
  onReplySent(done: () => void): void;
}
