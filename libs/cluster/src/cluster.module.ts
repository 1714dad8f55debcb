import { Module } from '@nestjs/common';
import { Lifecycle, type Clock, type Logger, type Metrics, type Random } from '@sluice/base';
import { CLOCK, LOGGER, METRICS, RANDOM } from '@sluice/base/base.module';
import { TopicCatalog } from '@sluice/log';
import { LogModule } from '@sluice/log/log.module';
import { RedisLink } from '@sluice/redis';
import { RedisModule } from '@sluice/redis/redis.module';
import { GatewayCluster } from './gateway-cluster';
import type { ClusterLimits } from './limits';
import type { MemberOptions } from './membership/membership';

/** Nest's token for the `Cluster`. */
export const CLUSTER = Symbol('Cluster');
/** Nest's token for `ClusterOptions`, which the app provides to all modules. */
export const CLUSTER_OPTIONS = Symbol('ClusterOptions');

/** What the cluster is told by the settings. */
export interface ClusterOptions extends MemberOptions {
  limits?: Partial<ClusterLimits>;
}

/**
 * This gateway's place among all. Whoever listens for Kafka clients calls `join`, once it listens,
 * and `retire` before it stops; leaving is done here.
 */
@Module({
  imports: [RedisModule, LogModule],
  providers: [
    {
      provide: CLUSTER,
      inject: [CLUSTER_OPTIONS, RedisLink, TopicCatalog, CLOCK, RANDOM, LOGGER, METRICS, Lifecycle],
      useFactory: ownCluster,
    },
  ],
  exports: [CLUSTER],
})
export class ClusterModule {}

function ownCluster(
  { limits, ...options }: ClusterOptions,
  redis: RedisLink,
  catalog: TopicCatalog,
  clock: Clock,
  random: Random,
  log: Logger,
  metrics: Metrics,
  lifecycle: Lifecycle,
): GatewayCluster {
  const deps = { redis, catalog, clock, random, log, metrics, limits };
  const cluster = new GatewayCluster(deps, options);
  lifecycle.own({ name: 'the place in the cluster', stop: () => cluster.leave() });
  return cluster;
}
