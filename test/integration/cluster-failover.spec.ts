import { partitionKeys } from '@sluice/log';
import { slotOf } from '@sluice/redis';
import { FailoverLoad, redisAt } from '@sluice/test/support/failover-load';
import { TestCluster } from '@sluice/test/support/redis-cluster';

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
});
