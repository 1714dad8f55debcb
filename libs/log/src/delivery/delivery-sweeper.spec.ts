import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { partitionKeys } from '../keys';
import { PartitionStore } from '../partition-store';
import { DeliverySweeper } from './delivery-sweeper';
import { PartitionDelivery } from './partition-delivery';

let redis: TestRedis;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());

test('what partitions keep of groups that are gone goes, and of others nothing', async () => {
  const link = await connectLink(redis);
  const store = new PartitionStore(link);
  const id = 'AAAAAAAAAAAAAAAAAAAAAA';
  const refs = [0, 1].map((partition) => ({ topic: 'orders', topicId: id, partition }));
  const claim = async (group: string, epoch: number): Promise<void> => {
    for (const ref of refs) {
      const owner = { group, member: 'm', epoch };
      const keys = partitionKeys(link.keyPrefix, ref);
      await new PartitionDelivery(link.write, keys, owner).claim({ offset: 0, lineage: 1 });
    }
  };
  for (const ref of refs) await store.initPartition(ref);
  for (const group of ['there', 'gone', 'anew']) await claim(group, 1);
  const sweeper = new DeliverySweeper({
    redis: link,
    topics: () => [{ name: 'orders', id, partitions: 2, configs: {}, createdAtMs: 0 }],
    isGroupKnown: async (group) => {
      // It begins anew right after it was missed.
      if (group === 'anew') await claim('anew', 2);
      return group === 'there';
    },
  });
  expect(await sweeper.run(new AbortController().signal)).toBe(2);
  for (const ref of refs) {
    const { log, delivery } = partitionKeys(link.keyPrefix, ref);
    expect((await link.read.hkeys(delivery)).sort()).toEqual(['format', 'g/anew', 'g/there']);
    const groups = (await link.read.xinfo('GROUPS', log)) as unknown[][];
    expect(groups.map((row) => row[1]).sort()).toEqual(['anew', 'there']);
  }
});
