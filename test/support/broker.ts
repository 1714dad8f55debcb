import { Test } from '@nestjs/testing';
import {
  Lifecycle,
  silentLogger,
  silentMetrics,
  systemClock,
  systemRandom,
  type Logger,
} from '@sluice/base';
import { Broker, defaultBrokerOptions, type BrokerOptions } from '@sluice/broker';
import { BROKER_OPTIONS } from '@sluice/broker/broker.module';
import { GroupCoordinator, type GroupLimits } from '@sluice/groups';
import { GROUP_LIMITS } from '@sluice/groups/groups.module';
import { TopicCatalog } from '@sluice/log';
import { CLUSTER_ID, LOG_OPTIONS, type LogOptions } from '@sluice/log/log.module';
import { nestLogger } from '@sluice/process';
import { RedisLink } from '@sluice/redis';
import { GatewayModule } from '../../apps/gateway/src/gateway.module';
import { loadGatewaySettings } from '../../apps/gateway/src/settings';
import { freshPrefix, sharedRedis, type TestRedis } from './redis';

const dayMs = 86_400_000;

/** How a broker of a test is to be. */
export interface StartBrokerOptions extends Partial<BrokerOptions> {
  /** Default: the shared server of the spec file. */
  redis?: TestRedis;
  /** Another broker's, to go on with its data. Default: a fresh one. */
  keyPrefix?: string;
  groupLimits?: Partial<GroupLimits>;
  logOptions?: Partial<LogOptions>;
  log?: Logger;
  /** What starts and stops it, for tests of that. */
  lifecycle?: Lifecycle;
}

/** A whole broker in the test's process, listening on 127.0.0.1. */
export interface TestBroker {
  readonly broker: Broker;
  readonly port: number;
  readonly redis: TestRedis;
  readonly link: RedisLink;
  readonly keyPrefix: string;
  readonly catalog: TopicCatalog;
  readonly groups: GroupCoordinator;
  readonly clusterId: string;
  /** Stops it in order, as the gateway does. The data stay. Harmless when repeated. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway's modules on a free port; groups rebalance without the initial delay unless told
 * otherwise. When a start fails, what had begun is stopped.
 */
export async function startBroker(given: StartBrokerOptions = {}): Promise<TestBroker> {
  const { redis: server, keyPrefix = freshPrefix(), groupLimits, logOptions, ...rest } = given;
  const { log = silentLogger, ...options } = rest;
  const { lifecycle = new Lifecycle({ clock: systemClock, log }), ...brokerOptions } = options;
  const redis = server ?? (await sharedRedis());
  redis.beforeStop.add(() => lifecycle.stop());
  const own = { ...defaultBrokerOptions, host: '127.0.0.1', port: 0, advertisedHost: '127.0.0.1' };
  const metrics = silentMetrics;
  const ports = { clock: systemClock, random: systemRandom, log, metrics, lifecycle };
  const settings = settingsFor(redis.url, keyPrefix);
  const builder = Test.createTestingModule({ imports: [GatewayModule.of(settings, ports)] })
    .setLogger(nestLogger(log))
    .overrideProvider(BROKER_OPTIONS)
    .useValue({ ...own, ...brokerOptions })
    .overrideProvider(LOG_OPTIONS)
    .useValue({ acceptEmptyRedis: false, producerIdExpirationMs: dayMs, ...logOptions })
    .overrideProvider(GROUP_LIMITS)
    .useValue({ initialRebalanceDelayMs: 0, ...groupLimits });
  try {
    const app = await (await builder.compile()).init();
    const broker = app.get(Broker, { strict: false });
    return {
      broker,
      port: broker.port,
      redis,
      link: app.get(RedisLink, { strict: false }),
      keyPrefix,
      catalog: app.get(TopicCatalog, { strict: false }),
      groups: app.get(GroupCoordinator, { strict: false }),
      clusterId: app.get<string>(CLUSTER_ID, { strict: false }),
      stop: () => lifecycle.stop(),
    };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

function settingsFor(redisUrl: string, keyPrefix: string) {
  const loaded = loadGatewaySettings({ REDIS_URL: redisUrl, SLUICE_KEY_PREFIX: keyPrefix }, []);
  if (!('settings' in loaded)) throw new Error(JSON.stringify(loaded));
  return loaded.settings;
}
