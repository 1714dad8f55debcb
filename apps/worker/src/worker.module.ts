import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AdminDoor, ownDoor } from '@sluice/admin';
import { Lifecycle, type Clock, type Logger } from '@sluice/base';
import { CLOCK, LOGGER, type BasePorts } from '@sluice/base/base.module';
import { TopicsModule } from '@sluice/log/log.module';
import { standaloneRedisUrl } from '@sluice/process';
import { ProcessModule } from '@sluice/process/process.module';
import type { RedisOptions } from '@sluice/redis';
import { REDIS_OPTIONS, RedisModule } from '@sluice/redis/redis.module';
import { Housekeeping, type HousekeepingOptions } from '@sluice/retention';
import { HOUSEKEEPING_OPTIONS, RetentionModule } from '@sluice/retention/retention.module';
import type { WorkerSettings } from './settings';

/** What the libraries are told, made from the settings. */
@Global()
@Module({})
class OptionsModule {
  static of(settings: WorkerSettings): DynamicModule {
    const providers = [
      { provide: REDIS_OPTIONS, useValue: redisOptions(settings) },
      { provide: HOUSEKEEPING_OPTIONS, useValue: housekeepingOptions(settings) },
    ];
    return { module: OptionsModule, providers, exports: providers };
  }
}

/** The retention worker alone: no listener, no groups, and nothing that makes it a gateway. */
@Module({})
export class WorkerModule {
  static of(settings: WorkerSettings, ports: BasePorts): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        ProcessModule.of(ports),
        OptionsModule.of(settings),
        RetentionModule.of({ imports: [RedisModule, TopicsModule] }),
      ],
      providers: settings.admin ? [adminDoor(settings)] : [],
    };
  }
}

/** The port for health and metrics. */
function adminDoor({ adminHost: host, adminPort: port }: WorkerSettings): Provider {
  return {
    provide: AdminDoor,
    // Made, and so started, after the housekeeping.
    inject: [CLOCK, LOGGER, Lifecycle, Housekeeping],
    useFactory: (clock: Clock, log: Logger, lifecycle: Lifecycle) =>
      ownDoor({ host, port }, { clock, log }, lifecycle),
  };
}

/**
 * What has to be done to the file of a Redis of our own at a start and at a stop is the gateways',
 * who know whether all was stopped in good order.
 */
function redisOptions({
  redisUrl: url = standaloneRedisUrl,
  keyPrefix,
  redisFailoverMs: failoverTimeoutMs,
}: WorkerSettings): RedisOptions {
  return { url, managed: false, keyPrefix, failoverTimeoutMs };
}

function housekeepingOptions(settings: WorkerSettings): HousekeepingOptions {
  const { producerIdExpirationMs, redisManaged } = settings;
  return {
    worker: true,
    checkIntervalMs: settings.logRetentionCheckIntervalMs,
    producerIdExpirationMs,
    offsetsRetentionMs: settings.offsetsRetentionMinutes * 60_000,
    redisManaged,
  };
}
