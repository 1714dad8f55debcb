import { Module } from '@nestjs/common';
import { Lifecycle, type Clock, type Logger, type Random } from '@sluice/base';
import { CLOCK, LOGGER, RANDOM } from '@sluice/base/base.module';
import { RedisLink } from '@sluice/redis';
import { RedisModule } from '@sluice/redis/redis.module';
import { ensureClusterId } from './cluster-id';
import { PartitionStore } from './partition-store';
import { ProducerIds } from './producer-ids';
import { TopicCatalog } from './topics/catalog';
import { DeletedTopicSweeper } from './topics/deleted-topic-sweeper';

/** Nest's token for the cluster's id. */
export const CLUSTER_ID = Symbol('clusterId');

/** Topics and partitions in Redis. */
@Module({
  imports: [RedisModule],
  providers: [
    {
      provide: CLUSTER_ID,
      inject: [RedisLink, RANDOM],
      useFactory: (redis: RedisLink, random: Random) => ensureClusterId(redis, random),
    },
    {
      provide: TopicCatalog,
      inject: [RedisLink, CLOCK, RANDOM, LOGGER, Lifecycle],
      useFactory: ownCatalog,
    },
    {
      provide: DeletedTopicSweeper,
      inject: [RedisLink, CLOCK, LOGGER, TopicCatalog, Lifecycle],
      useFactory: ownSweeper,
    },
    {
      provide: PartitionStore,
      inject: [RedisLink],
      useFactory: (redis: RedisLink) => new PartitionStore(redis),
    },
    {
      provide: ProducerIds,
      inject: [RedisLink],
      useFactory: (redis: RedisLink) => new ProducerIds(redis),
    },
  ],
  exports: [CLUSTER_ID, TopicCatalog, PartitionStore, ProducerIds],
})
export class LogModule {}

function ownCatalog(
  redis: RedisLink,
  clock: Clock,
  random: Random,
  log: Logger,
  lifecycle: Lifecycle,
): TopicCatalog {
  const catalog = new TopicCatalog(redis, { clock, random, log });
  lifecycle.own({
    name: 'the topics',
    start: () => catalog.start(),
    stop: () => catalog.stop(),
  });
  return catalog;
}

function ownSweeper(
  redis: RedisLink,
  clock: Clock,
  log: Logger,
  catalog: TopicCatalog,
  lifecycle: Lifecycle,
): DeletedTopicSweeper {
  const sweeper = new DeletedTopicSweeper(redis, { clock, log, catalog });
  lifecycle.own({
    name: 'the sweeping of deleted topics',
    start: () => sweeper.start(),
    stop: () => sweeper.stop(),
  });
  return sweeper;
}
