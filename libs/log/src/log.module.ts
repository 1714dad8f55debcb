import { Module } from '@nestjs/common';
import { Lifecycle, type Clock, type Logger, type Metrics, type Random } from '@sluice/base';
import { CLOCK, LOGGER, METRICS, RANDOM } from '@sluice/base/base.module';
import { RedisLink } from '@sluice/redis';
import { RedisModule } from '@sluice/redis/redis.module';
import { registryKeys } from './keys';
import { PartitionStore } from './partition-store';
import { Idempotency } from './idempotency/idempotency';
import { ProducerIds } from './producer-ids';
import { LogHistory } from './recovery/log-history';
import { checkRegistryFormat } from './recovery/writers';
import { TopicCatalog } from './topics/catalog';

/** Nest's token for the cluster's id. */
export const CLUSTER_ID = Symbol('clusterId');
/** Nest's token for `LogOptions`, which the app provides to all modules. */
export const LOG_OPTIONS = Symbol('LogOptions');

/** What the log is told by the settings. */
export interface LogOptions {
  /** See `LogHistoryOptions`. */
  acceptEmptyRedis: boolean;
  /** After so long the housekeeping forgets idempotent producers that have written nothing. */
  producerIdExpirationMs: number;
}

/** Topics and partitions in Redis. */
@Module({
  imports: [RedisModule],
  providers: [
    {
      provide: LogHistory,
      inject: [LOG_OPTIONS, RedisLink, CLOCK, RANDOM, LOGGER, METRICS, Lifecycle],
      useFactory: ownHistory,
    },
    {
      provide: CLUSTER_ID,
      inject: [LogHistory],
      useFactory: (history: LogHistory) => history.clusterId,
    },
    {
      provide: TopicCatalog,
      inject: [LogHistory, RedisLink, CLOCK, RANDOM, LOGGER, METRICS, Lifecycle],
      useFactory: ownCatalog,
    },
    {
      provide: PartitionStore,
      inject: [RedisLink, LogHistory, METRICS],
      useFactory: (redis: RedisLink, history: LogHistory, metrics: Metrics) =>
        new PartitionStore(redis, { history, metrics }),
    },
    {
      provide: ProducerIds,
      inject: [RedisLink, LogHistory, METRICS],
      useFactory: (redis: RedisLink, history: LogHistory, metrics: Metrics) =>
        new ProducerIds(redis, history, metrics),
    },
    {
      provide: Idempotency,
      inject: [LOG_OPTIONS, RedisLink, LOGGER, LogHistory],
      useFactory: ({ producerIdExpirationMs }: LogOptions, redis: RedisLink, log: Logger) =>
        new Idempotency(redis, { log, producerIdExpirationMs }),
    },
  ],
  exports: [CLUSTER_ID, TopicCatalog, PartitionStore, ProducerIds, Idempotency],
})
export class LogModule {}

/**
 * The same topics and partitions for a process that appends nothing: it keeps no history, and is
 * not among those who may have written.
 */
@Module({
  imports: [RedisModule],
  providers: [
    {
      provide: TopicCatalog,
      inject: [RedisLink, CLOCK, RANDOM, LOGGER, METRICS, Lifecycle],
      useFactory: ownPlainCatalog,
    },
    {
      provide: PartitionStore,
      inject: [RedisLink, METRICS],
      useFactory: (redis: RedisLink, metrics: Metrics) => new PartitionStore(redis, { metrics }),
    },
  ],
  exports: [TopicCatalog, PartitionStore],
})
export class TopicsModule {}

/** Started at once: nothing may be read or written before. */
async function ownHistory(
  { acceptEmptyRedis }: LogOptions,
  redis: RedisLink,
  clock: Clock,
  random: Random,
  log: Logger,
  metrics: Metrics,
  lifecycle: Lifecycle,
): Promise<LogHistory> {
  const history = new LogHistory(redis, { acceptEmptyRedis, clock, random, log, metrics });
  lifecycle.own({ name: 'the history of the log', stop: () => history.stop() });
  await history.start();
  return history;
}

function ownCatalog(
  history: LogHistory,
  redis: RedisLink,
  clock: Clock,
  random: Random,
  log: Logger,
  metrics: Metrics,
  lifecycle: Lifecycle,
): TopicCatalog {
  const catalog = new TopicCatalog(redis, { clock, random, log, metrics, history });
  lifecycle.own({
    name: 'the topics',
    start: () => catalog.start(),
    stop: () => catalog.stop(),
  });
  return catalog;
}

function ownPlainCatalog(
  redis: RedisLink,
  clock: Clock,
  random: Random,
  log: Logger,
  metrics: Metrics,
  lifecycle: Lifecycle,
): TopicCatalog {
  const catalog = new TopicCatalog(redis, { clock, random, log, metrics });
  const start = async (): Promise<void> => {
    await checkRegistryFormat(redis.write, registryKeys(redis.keyPrefix, redis.db));
    await catalog.start();
  };
  lifecycle.own({ name: 'the topics', start, stop: () => catalog.stop() });
  return catalog;
}
