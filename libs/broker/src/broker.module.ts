import { Module } from '@nestjs/common';
import { Lifecycle, type Clock, type Logger, type Metrics } from '@sluice/base';
import { CLOCK, LOGGER, METRICS } from '@sluice/base/base.module';
import type { Cluster } from '@sluice/cluster';
import { CLUSTER, ClusterModule } from '@sluice/cluster/cluster.module';
import { GroupCoordinator } from '@sluice/groups';
import { GroupsModule } from '@sluice/groups/groups.module';
import { Idempotency, PartitionStore, ProducerIds, TopicCatalog } from '@sluice/log';
import { CLUSTER_ID, LogModule } from '@sluice/log/log.module';
import { RedisLink } from '@sluice/redis';
import { RedisModule } from '@sluice/redis/redis.module';
import { Broker } from './broker';
import type { BrokerOptions } from './options';

/** Nest's token for `BrokerOptions`, which the app provides to all modules. */
export const BROKER_OPTIONS = Symbol('BrokerOptions');

/** Beyond what requests may take to be answered: closing the connections. */
const stopSlackMs = 5_000;

/** The door for Kafka clients; started last, stopped first. */
@Module({
  imports: [RedisModule, LogModule, ClusterModule, GroupsModule],
  providers: [
    {
      provide: Broker,
      inject: [
        BROKER_OPTIONS,
        RedisLink,
        CLUSTER,
        TopicCatalog,
        PartitionStore,
        GroupCoordinator,
        ProducerIds,
        Idempotency,
        CLUSTER_ID,
        CLOCK,
        LOGGER,
        METRICS,
        Lifecycle,
      ],
      useFactory: ownBroker,
    },
  ],
  exports: [Broker],
})
export class BrokerModule {}

function ownBroker(
  options: BrokerOptions,
  redis: RedisLink,
  cluster: Cluster,
  catalog: TopicCatalog,
  store: PartitionStore,
  groups: GroupCoordinator,
  producerIds: ProducerIds,
  idempotency: Idempotency,
  clusterId: string,
  clock: Clock,
  log: Logger,
  metrics: Metrics,
  lifecycle: Lifecycle,
): Broker {
  const stored = { redis, cluster, catalog, store, groups, producerIds, idempotency, clusterId };
  const broker = new Broker({ options, ...stored, clock, log, metrics });
  lifecycle.own({
    name: 'the Kafka listener',
    start: () => broker.start(),
    stop: () => broker.stop(),
    stopMsMax: options.shutdownGraceMs + stopSlackMs,
  });
  return broker;
}
