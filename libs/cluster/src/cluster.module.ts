import { hostname } from 'node:os';
import { Module } from '@nestjs/common';
import { Lifecycle, type Clock, type Logger, type Metrics, type Random } from '@sluice/base';
import { CLOCK, LOGGER, METRICS, RANDOM } from '@sluice/base/base.module';
import { TopicCatalog } from '@sluice/log';
import { LogModule } from '@sluice/log/log.module';
import { RedisLink } from '@sluice/redis';
import { RedisModule } from '@sluice/redis/redis.module';
import type { Cluster } from './api';
import { GatewayCluster } from './gateway-cluster';

/** Nest's token for the `Cluster` that this gateway is a member of. */
export const CLUSTER = Symbol('Cluster');
/** Nest's token for `ClusterOptions`, which the app provides to all modules. */
export const CLUSTER_OPTIONS = Symbol('ClusterOptions');

/** What a member of the cluster is told by the settings. */
export interface ClusterOptions {
  /** Its number among the brokers; null: the lowest that is free. */
  brokerId: number | null;
  /** Kafka's broker.rack; null: none. */
  rack: string | null;
  /** After so long without a word from it the others take over what it led. */
  brokerSessionMs: number;
  /** The version of the program. */
  version: string;
}

/** The cluster. Whoever listens on the port joins it, and leaves it. */
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
  { brokerId, rack, brokerSessionMs: sessionMs, version }: ClusterOptions,
  redis: RedisLink,
  catalog: TopicCatalog,
  clock: Clock,
  random: Random,
  log: Logger,
  metrics: Metrics,
  lifecycle: Lifecycle,
): Cluster {
  const cluster = new GatewayCluster(
    { redis, catalog, clock, random, log, metrics, limits: { sessionMs } },
    { brokerId: brokerId ?? undefined, rack, version, hostName: hostname() },
  );
  // Where nobody joins it, there is nothing to leave.
  lifecycle.own({ name: 'the place in the cluster', stop: () => cluster.leave() });
  return cluster;
}
