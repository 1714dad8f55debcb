import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AdminDoor } from '@sluice/admin';
import {
  Lifecycle,
  silentLogger,
  silentMetrics,
  systemClock,
  systemRandom,
  type Logger,
  type Metrics,
  type MetricsText,
} from '@sluice/base';
import { Broker, defaultBrokerOptions, type BrokerOptions } from '@sluice/broker';
import { BROKER_OPTIONS } from '@sluice/broker/broker.module';
import { clusterLimits, type ClusterOptions } from '@sluice/cluster';
import { CLUSTER, CLUSTER_OPTIONS } from '@sluice/cluster/cluster.module';
import { GroupCoordinator, type GroupLimits } from '@sluice/groups';
import { GROUP_LIMITS } from '@sluice/groups/groups.module';
import { TopicCatalog } from '@sluice/log';
import { CLUSTER_ID, LOG_OPTIONS, type LogOptions } from '@sluice/log/log.module';
import { nestLogger, projectVersion } from '@sluice/process';
import { RedisLink } from '@sluice/redis';
import type { HousekeepingOptions } from '@sluice/retention';
import { HOUSEKEEPING_OPTIONS } from '@sluice/retention/retention.module';
import { GatewayModule } from '../../apps/gateway/src/gateway.module';
import { loadGatewaySettings, type GatewaySettings } from '../../apps/gateway/src/settings';
import { freshPrefix, sharedRedis, type TestRedis } from './redis';
import { SingleGateway } from './single-gateway';

const dayMs = 86_400_000;

/** No worker: tests that need one say so, or have one of their own. */
const housekeepingOptions: HousekeepingOptions = {
  worker: false,
  checkIntervalMs: 300_000,
  producerIdExpirationMs: dayMs,
  offsetsRetentionMs: 7 * dayMs,
  redisManaged: false,
};

/** How a broker of a test is to be. */
export interface StartBrokerOptions extends Partial<BrokerOptions> {
  /** Default: 1. */
  brokerId?: number;
  /**
   * Whether it shares leaders with the others on its keys. Default: it leads everything, as do
   * others beside it.
   */
  isClustered?: boolean;
  /** Default: none. */
  rack?: string;
  /** Default: 6 s. */
  brokerSessionMs?: number;
  /** Default: the shared server of the spec file. */
  redis?: TestRedis;
  /** Another broker's, to go on with its data. Default: a fresh one. */
  keyPrefix?: string;
  groupLimits?: Partial<GroupLimits>;
  logOptions?: Partial<LogOptions>;
  /** Default: without a worker. */
  housekeeping?: Partial<HousekeepingOptions>;
  log?: Logger;
  /** Default: none are kept. */
  metrics?: Metrics & MetricsText;
  /** Whether it has the admin endpoints, on a free port; without keys unless some are given. */
  admin?: boolean | { keys?: string; metricsText?: MetricsText; requestsPerSecond?: number };
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
  /** Where the admin endpoints are, as `http://127.0.0.1:41234`; empty where there are none. */
  readonly adminUrl: string;
  /** Stops it in order, as the gateway does. The data stay. Harmless when repeated. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway's modules on a free port; groups rebalance without the initial delay unless told
 * otherwise. When a start fails, what had begun is stopped.
 */
export async function startBroker(given: StartBrokerOptions = {}): Promise<TestBroker> {
  const { redis: server, keyPrefix = freshPrefix(), groupLimits, logOptions, ...others } = given;
  const { housekeeping, metrics = silentMetrics, ...membership } = others;
  const { brokerId = 1, rack = null, brokerSessionMs = 6_000, ...inCluster } = membership;
  const { isClustered = false, ...rest } = inCluster;
  const { log = silentLogger, admin = false, ...options } = rest;
  const { lifecycle = new Lifecycle({ clock: systemClock, log }), ...brokerOptions } = options;
  const redis = server ?? (await sharedRedis());
  redis.beforeStop.add(() => lifecycle.stop());
  const own = { ...defaultBrokerOptions, host: '127.0.0.1', port: 0, advertisedHost: '127.0.0.1' };
  const ports = { clock: systemClock, random: systemRandom, log, metrics, lifecycle };
  const settings = settingsFor(redis.url, keyPrefix, admin);
  const builder = Test.createTestingModule({ imports: [GatewayModule.of(settings, ports)] })
    .setLogger(nestLogger(log))
    .overrideProvider(BROKER_OPTIONS)
    .useValue({ ...own, ...brokerOptions })
    .overrideProvider(CLUSTER_OPTIONS)
    .useValue(clusterOptions({ brokerId, rack, brokerSessionMs }))
    .overrideProvider(LOG_OPTIONS)
    .useValue({ acceptEmptyRedis: false, producerIdExpirationMs: dayMs, ...logOptions })
    .overrideProvider(HOUSEKEEPING_OPTIONS)
    .useValue({ ...housekeepingOptions, ...housekeeping })
    .overrideProvider(GROUP_LIMITS)
    .useValue({ initialRebalanceDelayMs: 0, ...groupLimits });
  if (!isClustered) {
    const alone = new SingleGateway({ id: brokerId, rack, version: projectVersion() });
    builder.overrideProvider(CLUSTER).useValue(alone);
  }
  try {
    const app = await (await builder.compile()).init();
    const broker = app.get(Broker, { strict: false });
    const adminUrl = await openAdmin(app, settings, ports, admin);
    return {
      broker,
      port: broker.port,
      redis,
      link: app.get(RedisLink, { strict: false }),
      keyPrefix,
      catalog: app.get(TopicCatalog, { strict: false }),
      groups: app.get(GroupCoordinator, { strict: false }),
      clusterId: app.get<string>(CLUSTER_ID, { strict: false }),
      adminUrl,
      stop: () => lifecycle.stop(),
    };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

/** Kept out of what is loaded by specs that do not need it. */
async function openAdmin(
  app: INestApplicationContext,
  settings: GatewaySettings,
  ports: Parameters<typeof GatewayModule.of>[1],
  admin: StartBrokerOptions['admin'],
): Promise<string> {
  if (!settings.admin) return '';
  const { openGatewayAdmin } = await import('../../apps/gateway/src/admin-app.js');
  const metricsText = (typeof admin === 'object' ? admin.metricsText : undefined) ?? null;
  await openGatewayAdmin(app, settings, { ...ports, metricsText });
  return `http://127.0.0.1:${app.get(AdminDoor, { strict: false }).port}`;
}

function clusterOptions(
  given: Pick<ClusterOptions, 'brokerId' | 'rack' | 'brokerSessionMs'>,
): ClusterOptions {
  const balancing = {
    // Who leads when a test looks leads when it acts.
    leaderBalancing: false,
    leaderBalancingMs: clusterLimits.balanceEveryMs,
    leaderImbalancePercent: clusterLimits.imbalancePercent,
  };
  // As many machines as gateways: none takes over what another has left on its port.
  return { ...given, ...balancing, version: projectVersion(), hostName: `test-${given.brokerId}` };
}

function settingsFor(redisUrl: string, keyPrefix: string, admin: StartBrokerOptions['admin']) {
  const { keys, requestsPerSecond = 100_000 } = typeof admin === 'object' ? admin : {};
  const env = { REDIS_URL: redisUrl, SLUICE_KEY_PREFIX: keyPrefix, SLUICE_ADMIN_KEYS: keys };
  const rate = `--admin-requests-per-second=${requestsPerSecond}`;
  const loaded = loadGatewaySettings(env, admin ? ['--admin-port=0', rate] : ['--no-admin']);
  if (!('settings' in loaded)) throw new Error(JSON.stringify(loaded));
  return loaded.settings;
}
