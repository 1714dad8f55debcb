import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { partitionKeys, registryKeys } from '@sluice/log';
import { slotOf } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { FailoverLoad, redisAt } from '@sluice/test/support/failover-load';
import { TestCluster } from '@sluice/test/support/redis-cluster';

jest.setTimeout(240_000);

describe('a gateway on a Redis Cluster, under load', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start();
  });
  afterAll(() => cluster?.stop());

  it('loses nothing that replicas had, and uses no offset twice', async () => {
    const load = await FailoverLoad.on(redisAt(cluster.url), {
      partitions: 6,
      inSync: 2,
      batches: 120,
    });
    const { catalog, keyPrefix, link } = load.gateway;
    const { id } = catalog.list()[0]!;
    const slotOfPartition = (partition: number): number =>
      slotOf(partitionKeys(keyPrefix, { topic: 'orders', topicId: id, partition }).meta);
    expect(link.shards).toHaveLength(3);
    load.begin();
    await load.progress();
    await cluster.failover(await cluster.ownerOf(slotOfPartition(0)));
    await load.progress();
    // A slot with a partition moves to another server, and back.
    const slot = slotOfPartition(1);
    const from = await cluster.ownerOf(slot);
    const to = await cluster.ownerOf((slot + 8_192) % 16_384);
    await cluster.move(slot, to);
    await load.progress();
    await cluster.move(slot, from);
    await load.progress();
    const killed = await cluster.ownerOf(slotOfPartition(2));
    const replica = await cluster.replicaOf(killed);
    await killed.server.kill();
    await cluster.promoted(replica);
    await killed.server.restart();
    await load.check();
    await load.gateway.stop();
  });

  it('refuses the partitions of a server that came back empty, and no others', async () => {
    const own = await TestCluster.start({ replicas: 0 });
    try {
      const load = await FailoverLoad.on(redisAt(own.url), {
        partitions: 6,
        inSync: 1,
        batches: 9,
      });
      const { keyPrefix, catalog, link } = load.gateway;
      load.begin();
      await load.check();
      const { id } = catalog.list()[0]!;
      const keyOf = (partition: number): string =>
        partitionKeys(keyPrefix, { topic: 'orders', topicId: id, partition }).meta;
      const registry = link.shardOf(registryKeys(keyPrefix).topics);
      const all = Array.from({ length: 6 }, (_, partition) => keyOf(partition));
      const there = all.filter((key) => link.shardOf(key) !== registry);
      const emptied = await own.ownerOf(slotOf(there[0]!));
      const shard = link.shardOf(there[0]!);
      await emptied.server.kill();
      rmSync(join(emptied.server.dataFolder, 'appendonlydir'), { recursive: true });
      await emptied.server.restart();
      const refused = (): Promise<unknown> =>
        link.read.get(there[0]!).then(
          () => false,
          (error: { reason?: string }) => error.reason === 'emptied',
        );
      await eventually(refused);
      const other = all.find((key) => link.shardOf(key) !== shard)!;
      expect(await link.read.exists(other)).toBe(1);
      await load.gateway.stop();
    } finally {
      await own.stop();
    }
  });
});
