import { silentLogger, systemClock, systemRandom, type Clock, type Logger } from '@sluice/base';
import { PartitionStore, TopicCatalog } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import { connectLink, type TestRedis } from '@sluice/test/support/redis';
import { Housekeeping } from '../src/housekeeping';
import type { JobLimits } from '../src/queue/job-limits';
import type { HousekeepingOptions } from '../src/options';

const hourMs = 3_600_000;

/** How a worker of a test is to be. */
export interface TestWorkerOptions {
  redis: TestRedis;
  keyPrefix: string;
  options?: Partial<HousekeepingOptions>;
  limits?: Partial<JobLimits>;
  clock?: Clock;
  log?: Logger;
}

/** The housekeeping of one process, with connections of its own. */
export interface TestWorker {
  housekeeping: Housekeeping;
  catalog: TopicCatalog;
  store: PartitionStore;
  link: RedisLink;
  stop(): Promise<void>;
}

/** Nothing but what is asked for happens soon, unless the options say so. */
export async function startWorker(given: TestWorkerOptions): Promise<TestWorker> {
  const { redis, keyPrefix, clock = systemClock, log = silentLogger } = given;
  const common = { clock, random: systemRandom, log };
  const link = await connectLink(redis, { keyPrefix }, { log });
  const catalog = new TopicCatalog(link, common);
  const store = new PartitionStore(link);
  await catalog.start();
  const options = {
    worker: true,
    checkIntervalMs: hourMs,
    producerIdExpirationMs: hourMs,
    offsetsRetentionMs: hourMs,
    redisManaged: false,
    ...given.options,
  };
  const limits = { startDelayMs: 0, lockMs: 1_000, stalledCheckMs: 500, ...given.limits };
  const parts = { ...common, redis: link, catalog, store, options, limits };
  const housekeeping = new Housekeeping(parts);
  housekeeping.start();
  const stop = async (): Promise<void> => {
    await housekeeping.stop();
    await catalog.stop();
    await link.close();
  };
  redis.beforeStop.add(stop);
  return { housekeeping, catalog, store, link, stop };
}
