import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Broker, defaultBrokerOptions, type BrokerOptions } from '@sluice/broker';
import { GroupCoordinator, type GroupLimits } from '@sluice/groups';
import {
  DeletedTopicSweeper,
  LogHistory,
  PartitionCare,
  PartitionStore,
  ProducerIds,
  TopicCatalog,
} from '@sluice/log';
import { systemClock, systemRandom, type Logger } from '@sluice/base';
import { RedisLink } from '@sluice/redis';
import { Settings, standaloneRedisUrl } from './config/settings';

/** Nest's token for the log of this process. */
export const LOGGER = Symbol('Logger');

/** The parts of a running gateway, in the order in which they are stopped. */
interface Running {
  broker: Broker;
  groups: GroupCoordinator;
  sweeper: DeletedTopicSweeper;
  care: PartitionCare;
  catalog: TopicCatalog;
  history: LogHistory;
  redis: RedisLink;
}

/** One gateway process: puts the libraries together, starts them and stops them in order. */
@Injectable()
export class Gateway implements BeforeApplicationShutdown {
  private running: Running | null = null;

  constructor(
    private readonly settings: Settings,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /**
   * Connects to Redis, loads the catalogue and listens.
   *
   * @returns the port that clients connect to
   * @throws RedisStartError with an explanation, or the system's error when the port cannot be had
   */
  async start(): Promise<number> {
    const { settings, log } = this;
    const deps = { log, clock: systemClock, random: systemRandom };
    const url = settings.redisUrl ?? standaloneRedisUrl;
    const redis = await RedisLink.connect({ url, keyPrefix: settings.keyPrefix }, deps);
    const { acceptEmptyRedis, producerIdExpirationMs } = settings;
    const history = new LogHistory(redis, { ...deps, acceptEmptyRedis });
    await history.start();
    const catalog = new TopicCatalog(redis, { ...deps, history });
    const store = new PartitionStore(redis, { history });
    const topics = () => catalog.list();
    const care = new PartitionCare({ ...deps, store, topics, producerIdExpirationMs });
    const sweeper = new DeletedTopicSweeper(redis, { ...deps, catalog });
    const groups = new GroupCoordinator({ redis, ...deps, limits: groupLimits(settings) });
    const broker = new Broker({
      options: brokerOptions(settings),
      redis,
      catalog,
      store,
      groups,
      producerIds: new ProducerIds(redis, history),
      clusterId: history.clusterId,
      clock: systemClock,
      log,
    });
    this.running = { broker, groups, sweeper, care, catalog, history, redis };
    await catalog.start();
    await groups.start();
    sweeper.start();
    care.start();
    const port = await broker.start();
    log.info('listening for Kafka clients', { host: settings.host, port });
    return port;
  }

  /** Answers what is under way, closes the connections, then Redis. Safe to call twice. */
  async beforeApplicationShutdown(): Promise<void> {
    const { running, log } = this;
    this.running = null;
    if (!running) return;
    log.info('stopping: answering what is under way');
    await running.broker.stop();
    await running.groups.stop();
    await running.sweeper.stop();
    await running.care.stop();
    await running.catalog.stop();
    await running.history.stop();
    await running.redis.close();
    log.info('stopped');
  }
}

function brokerOptions(settings: Settings): BrokerOptions {
  const options = { ...defaultBrokerOptions };
  for (const name of Object.keys(options) as (keyof BrokerOptions)[]) {
    Object.assign(options, { [name]: settings[name] });
  }
  return { ...options, advertisedPort: settings.advertisedPort || undefined };
}

function groupLimits(settings: Settings): Partial<GroupLimits> {
  return {
    initialRebalanceDelayMs: settings.groupInitialRebalanceDelayMs,
    sessionTimeoutMsMin: settings.groupMinSessionTimeoutMs,
    sessionTimeoutMsMax: settings.groupMaxSessionTimeoutMs,
    offsetsRetentionMs: settings.offsetsRetentionMinutes * 60_000,
  };
}
