import { silentLogger, systemClock, systemRandom, type Logger } from '@sluice/base';
import { PartitionStore, TopicCatalog } from '@sluice/log';
import { RedisLink } from '@sluice/redis';
import { Housekeeping } from '../src/housekeeping';
import { TopicTrimmer } from '../src/trim/topic-trimmer';

/** What the process is told; see worker-process.ts. */
export interface ChildOrders {
  url: string;
  keyPrefix: string;
  lockMs: number;
  stalledCheckMs: number;
  /** A trim never ends by itself. */
  isStuck: boolean;
}

/** Runs in the child. */
export async function run(): Promise<void> {
  const orders = JSON.parse(process.argv[2]!) as ChildOrders;
  const { url, keyPrefix, lockMs, stalledCheckMs, isStuck } = orders;
  if (isStuck) {
    TopicTrimmer.prototype.trim = (_topic, signal) => {
      tell('trimming');
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => {
          tell(`broken off: ${String(signal.reason)}`);
          reject(new Error('broken off'));
        });
      });
    };
  }
  const log: Logger = silentLogger;
  const common = { clock: systemClock, random: systemRandom, log };
  const redis = await RedisLink.connect({ url, keyPrefix }, common);
  const catalog = new TopicCatalog(redis, common);
  await catalog.start();
  const store = new PartitionStore(redis);
  const options = {
    worker: true,
    checkIntervalMs: 3_600_000,
    producerIdExpirationMs: 3_600_000,
    offsetsRetentionMs: 3_600_000,
    redisManaged: false,
  };
  const limits = { startDelayMs: 0, lockMs, stalledCheckMs };
  new Housekeeping({ ...common, redis, catalog, store, options, limits }).start();
  tell('ready');
}

function tell(what: string): void {
  process.send?.(what);
}
