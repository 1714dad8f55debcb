import { silentLogger, systemClock } from '@sluice/base';
import { PartitionStore } from '@sluice/log';
import { TopicTrimmer, type TrimReport } from '@sluice/retention';
import type { TestBroker } from './broker';
import { connectLink } from './redis';

/**
 * Trims a topic of a broker as a worker in another process does: over connections of its own, with
 * nothing in common but Redis.
 */
export async function trimElsewhere(
  { redis, keyPrefix, catalog }: TestBroker,
  topic: string,
): Promise<TrimReport> {
  const found = catalog.byName(topic)!;
  const link = await connectLink(redis, { keyPrefix });
  try {
    const store = new PartitionStore(link);
    const trimmer = new TopicTrimmer({ store, clock: systemClock, log: silentLogger });
    return await trimmer.trim(found);
  } finally {
    await link.close();
  }
}
