import { Module } from '@nestjs/common';
import type { Clock, Logger, Metrics, Random } from '@sluice/base';
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
  /** The name of this machine or container. */
  hostName: string;
}

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
  { brokerId, brokerSessionMs: sessionMs, ...own }: ClusterOptions,
  redis: RedisLink,
  catalog: TopicCatalog,
  clock: Clock,
  random: Random,
  log: Logger,
  metrics: Metrics,
): Cluster {
  const parts = { redis, catalog, clock, random, log, metrics, limits: { sessionMs } };
  return new GatewayCluster(parts, { ...own, brokerId: brokerId ?? undefined });
}
