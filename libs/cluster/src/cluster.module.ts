import { Module } from '@nestjs/common';
import type { Clock, Logger, Metrics, Random } from '@sluice/base';
import { CLOCK, LOGGER, METRICS, RANDOM } from '@sluice/base/base.module';
import { TopicCatalog } from '@sluice/log';
import { LogModule } from '@sluice/log/log.module';
import { RedisLink } from '@sluice/redis';
import { RedisModule } from '@sluice/redis/redis.module';
import type { Cluster } from './api';
import { limitsOf, type ClusterOptions } from './cluster-options';
import { GatewayCluster } from './gateway-cluster';

/** Nest's token for the `Cluster` that this gateway is a member of. */
export const CLUSTER = Symbol('Cluster');
/** Nest's token for `ClusterOptions`, which the app provides to all modules. */
export const CLUSTER_OPTIONS = Symbol('ClusterOptions');

/** The cluster. Whoever listens on the port joins it, and leaves it. */
@Module({
  imports: [RedisModule, LogModule],
  providers: [
    {
      provide: CLUSTER,
      inject: [CLUSTER_OPTIONS, RedisLink, TopicCatalog, CLOCK, RANDOM, LOGGER, METRICS],
      useFactory: makeCluster,
    },
  ],
  exports: [CLUSTER],
})
export class ClusterModule {}

function makeCluster(
  options: ClusterOptions,
  redis: RedisLink,
  catalog: TopicCatalog,
  clock: Clock,
  random: Random,
  log: Logger,
  metrics: Metrics,
): Cluster {
  const { brokerId, rack, version, hostName } = options;
  const parts = { redis, catalog, clock, random, log, metrics, limits: limitsOf(options) };
  return new GatewayCluster(parts, { brokerId: brokerId ?? undefined, rack, version, hostName });
}
