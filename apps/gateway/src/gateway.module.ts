import { hostname } from 'node:os';
import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AdminDoor, ownDoor } from '@sluice/admin';
import { Lifecycle, type Clock, type Logger } from '@sluice/base';
import { CLOCK, LOGGER, type BasePorts } from '@sluice/base/base.module';
import { Broker, defaultBrokerOptions, type BrokerOptions } from '@sluice/broker';
import { BROKER_OPTIONS, BrokerModule } from '@sluice/broker/broker.module';
import type { ClusterOptions } from '@sluice/cluster';
import { CLUSTER_OPTIONS } from '@sluice/cluster/cluster.module';
import type { GroupLimits } from '@sluice/groups';
import { GROUP_LIMITS } from '@sluice/groups/groups.module';
import { LOG_OPTIONS, LogModule, type LogOptions } from '@sluice/log/log.module';
import { projectVersion, standaloneRedisUrl } from '@sluice/process';
import { ProcessModule } from '@sluice/process/process.module';
import type { RedisOptions } from '@sluice/redis';
import { REDIS_OPTIONS, RedisModule } from '@sluice/redis/redis.module';
import type { HousekeepingOptions } from '@sluice/retention';
import { HOUSEKEEPING_OPTIONS, RetentionModule } from '@sluice/retention/retention.module';
import type { GatewaySettings } from './settings';

/** What the libraries are told, made from the settings. */
@Global()
@Module({})
class OptionsModule {
  static of(settings: GatewaySettings): DynamicModule {
    const providers = [
      { provide: REDIS_OPTIONS, useValue: redisOptions(settings) },
      { provide: LOG_OPTIONS, useValue: logOptions(settings) },
      { provide: CLUSTER_OPTIONS, useValue: clusterOptions(settings) },
      { provide: GROUP_LIMITS, useValue: groupLimits(settings) },
      { provide: BROKER_OPTIONS, useValue: brokerOptions(settings) },
      { provide: HOUSEKEEPING_OPTIONS, useValue: housekeepingOptions(settings) },
    ];
    return { module: OptionsModule, providers, exports: providers };
  }
}

/**
 * One gateway: the modules of the libraries, put together. The process and the tests use this same
 * composition; tests override providers.
 */
@Module({ imports: [BrokerModule] })
export class GatewayModule {
  static of(settings: GatewaySettings, ports: BasePorts): DynamicModule {
    return {
      module: GatewayModule,
      imports: [
        ProcessModule.of(ports),
        OptionsModule.of(settings),
        // Kafka clients do not wait for it.
        RetentionModule.of({ imports: [RedisModule, LogModule, BrokerModule], after: [Broker] }),
      ],
      providers: settings.admin ? [adminDoor(settings)] : [],
    };
  }
}

/** The admin port: taken after that of Kafka, and left first. */
function adminDoor({ adminHost: host, adminPort: port }: GatewaySettings): Provider {
  return {
    provide: AdminDoor,
    // Made, and so started, after the broker.
    inject: [CLOCK, LOGGER, Lifecycle, Broker],
    useFactory: (clock: Clock, log: Logger, lifecycle: Lifecycle) =>
      ownDoor({ host, port }, { clock, log }, lifecycle),
  };
}

function redisOptions(settings: GatewaySettings): RedisOptions {
  const { redisUrl: url = standaloneRedisUrl, redisManaged: managed, keyPrefix } = settings;
  return { url, managed, keyPrefix, failoverTimeoutMs: settings.redisFailoverMs };
}

function logOptions(settings: GatewaySettings): LogOptions {
  const { acceptEmptyRedis, producerIdExpirationMs } = settings;
  return { acceptEmptyRedis, producerIdExpirationMs };
}

function clusterOptions(settings: GatewaySettings): ClusterOptions {
  const { brokerSessionMs, leaderBalancing, leaderBalancingMs, leaderImbalancePercent } = settings;
  return {
    brokerId: settings.brokerId ?? null,
    rack: settings.rack ?? null,
    brokerSessionMs,
    leaderBalancing,
    leaderBalancingMs,
    leaderImbalancePercent,
    version: projectVersion(),
    hostName: hostname(),
  };
}

function brokerOptions(settings: GatewaySettings): BrokerOptions {
  const options = { ...defaultBrokerOptions };
  for (const name of Object.keys(options) as (keyof BrokerOptions)[]) {
    Object.assign(options, { [name]: settings[name] });
  }
  return { ...options, advertisedPort: settings.advertisedPort || undefined };
}

function groupLimits(settings: GatewaySettings): Partial<GroupLimits> {
  return {
    initialRebalanceDelayMs: settings.groupInitialRebalanceDelayMs,
    sessionTimeoutMsMin: settings.groupMinSessionTimeoutMs,
    sessionTimeoutMsMax: settings.groupMaxSessionTimeoutMs,
    offsetsRetentionMs: settings.offsetsRetentionMinutes * 60_000,
  };
}

function housekeepingOptions(settings: GatewaySettings): HousekeepingOptions {
  const { worker, producerIdExpirationMs, redisManaged } = settings;
  return {
    worker,
    checkIntervalMs: settings.logRetentionCheckIntervalMs,
    producerIdExpirationMs,
    offsetsRetentionMs: settings.offsetsRetentionMinutes * 60_000,
    redisManaged,
  };
}
