import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { batchAt } from '@sluice/test/support/batches';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import { PartitionDelivery } from '../delivery/partition-delivery';
import { partitionKeys, type PartitionRef } from '../keys';
import { PartitionStore } from '../partition-store';
import type { AppendOutcome } from '../writer/partition-writer';
import { TopicCatalog } from './catalog';
import { catalogLimits } from './catalog-limits';
import type { Topic } from './topic';

/** What a process holds that has not heard of any deletion, and never will. */
let store: PartitionStore;
let link: RedisLink;
let catalog: TopicCatalog;

beforeAll(async () => {
  link = await connectLink(await sharedRedis());
  store = new PartitionStore(link);
  catalog = new TopicCatalog(link, {
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
  });
  await catalog.start();
});
afterAll(async () => {
  await catalog.stop();
  await (await sharedRedis()).stop();
});

async function created(name: string, partitions: number): Promise<Topic> {
  const reply = await catalog.create({ name, partitions });
  if ('refused' in reply) throw new Error(reply.message);
  return reply.created;
}

const refOf = ({ name, id }: Topic, partition: number): PartitionRef => {
  return { topic: name, topicId: id, partition };
};

function append(ref: PartitionRef): Promise<AppendOutcome | null> {
  const trouble = { note: () => {} };
  const others = { replicationTimeoutMs: 5_000, log: silentLogger, trouble, onReply: () => {} };
  return new Promise((resolve, reject) => {
    store.writer(ref, others).append(batchAt(1_000), null, (outcome, error) => {
      if (error === null) resolve(outcome);
      else reject(error as Error);
    });
  });
}

test('once a deletion is answered, nobody has an append acknowledged', async () => {
  const partitions = catalogLimits.partitionsPerStepMax + 1;
  const topic = await created('orders', partitions);
  const refs = [0, partitions - 1].map((partition) => refOf(topic, partition));
  for (const ref of refs) expect(await append(ref)).toMatchObject({ logStartOffset: 0 });
  await catalog.delete('orders');
  for (const ref of refs) {
    expect(await append(ref)).toEqual({ refused: 'unknown-partition' });
    expect(await store.bounds(ref)).toBeNull();
    expect(await store.deleteRecords(ref, -1)).toEqual({ refused: 'unknown-partition' });
  }
});

test('nor a member of a group what it has dealt with', async () => {
  const ref = refOf(await created('jobs', 1), 0);
  await append(ref);
  const owner = { group: 'readers', member: 'a', epoch: 1 };
  const delivery = new PartitionDelivery(link.write, partitionKeys(link.keyPrefix, ref), owner);
  await delivery.claim({ offset: 0, lineage: 1 });
  await catalog.delete('jobs');
  expect(await delivery.acknowledge(1, [])).toBe('unclaimed');
  expect(await delivery.claim({ offset: 0, lineage: 1 })).toBe('unknown-partition');
});

test('also in partitions that it was about to get', async () => {
  const topic = await created('growing', 1);
  const { topics } = { topics: `${link.keyPrefix}{registry}:topics` };
  const stored = JSON.parse((await link.write.hget(topics, 'growing'))!) as { prepared: number };
  await link.write.hset(topics, 'growing', JSON.stringify({ ...stored, prepared: 2 }));
  const ref = refOf(topic, 1);
  await store.initPartition(ref);
  await catalog.delete('growing');
  expect(await store.bounds(ref)).toBeNull();
});
