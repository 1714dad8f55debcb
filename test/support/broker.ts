import { Broker, defaultBrokerOptions, type BrokerOptions } from '@sluice/broker';
import { GroupCoordinator, type GroupLimits } from '@sluice/groups';
import {
  DeletedTopicSweeper,
  LogHistory,
  PartitionStore,
  ProducerIds,
  TopicCatalog,
} from '@sluice/log';
import { silentLogger, systemClock, systemRandom, type Logger } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { connectLink, freshPrefix, sharedRedis, type TestRedis } from './redis';

/** How a broker of a test is to be. */
export interface StartBrokerOptions extends Partial<BrokerOptions> {
  /** Default: the shared server of the spec file. */
  redis?: TestRedis;
  /** Another broker's, to go on with its data. Default: a fresh one. */
  keyPrefix?: string;
  groupLimits?: Partial<GroupLimits>;
  log?: Logger;
  /** See `LogHistoryOptions`. */
  acceptEmptyRedis?: boolean;
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
 * Starts a broker on a free port; groups rebalance without the initial delay unless told otherwise.
 */
export async function startBroker(given: StartBrokerOptions = {}): Promise<TestBroker> {
  const {
    redis: server,
    keyPrefix = freshPrefix(),
    groupLimits,
    log = silentLogger,
    acceptEmptyRedis = false,
    ...rest
  } = given;
  const redis = server ?? (await sharedRedis());
  const deps = { log, clock: systemClock, random: systemRandom };
  const link = await connectLink(redis, { keyPrefix }, { log });
  const options = { ...defaultBrokerOptions, host: '127.0.0.1', port: 0, ...rest };
  options.advertisedHost = rest.advertisedHost ?? '127.0.0.1';
  const history = new LogHistory(link, { ...deps, acceptEmptyRedis });
  await history.start();
  const catalog = new TopicCatalog(link, { ...deps, history });
  const sweeper = new DeletedTopicSweeper(link, deps);
  const limits = { initialRebalanceDelayMs: 0, ...groupLimits };
  const groups = new GroupCoordinator({ redis: link, ...deps, limits });
  const store = new PartitionStore(link, { history });
  const producerIds = new ProducerIds(link, history);
  const { clusterId } = history;
  const services = { redis: link, catalog, store, groups, producerIds, clusterId };
  const broker = new Broker({ options, ...services, clock: systemClock, log });
  await catalog.start();
  await groups.start();
  sweeper.start();
  const port = await broker.start();
  let stopping: Promise<void> | null = null;
  const stop = async () => {
    await broker.stop();
    await groups.stop();
    await sweeper.stop();
    await catalog.stop();
    await history.stop();
    await link.close();
  };
  return {
    broker,
    port,
    redis,
    link,
    keyPrefix,
    catalog,
    groups,
    clusterId,
    stop: () => (stopping ??= stop()),
  };
}
