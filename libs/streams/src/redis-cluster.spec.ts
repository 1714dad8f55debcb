import { eventually } from '@sluice/test/support/eventually';
import { redisAt } from '@sluice/test/support/failover-load';
import { TestCluster } from '@sluice/test/support/redis-cluster';
import { KeptRecords, range } from '../../test/consumer-bench';
import { connectStreams } from '../../test/streams';
import { StreamProducer } from '../producer/stream-producer';
import { StreamConsumer } from './stream-consumer';

jest.setTimeout(120_000);

describe('a consumer on a Redis Cluster', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start({ replicas: 0 });
  });
  afterAll(() => cluster?.stop());

  it('reads partitions of all shards, as they are written', async () => {
    const redis = redisAt(cluster.url);
    const connection = await connectStreams({}, { redis });
    const { catalog } = await connection.connect();
    await catalog.create({ name: 'orders', partitions: 6 });
    const producer = new StreamProducer(connection);
    const send = (from: number, to: number) =>
      producer.sendAll(
        range(from, to).map((n) => ({ topic: 'orders', partition: n % 6, value: `${n}` })),
      );
    await send(0, 30);
    const kept = new KeptRecords();
    const terms = { group: 'readers', topics: ['orders'], heartbeatIntervalMs: 100 };
    const consumer = new StreamConsumer(connection, terms, kept);
    await consumer.start();
    const values = (): number[] =>
      kept.taken.map(({ record }) => Number(String(record.value))).sort((a, b) => a - b);
    await eventually(() => values().length >= 30);
    await send(30, 60);
    await eventually(() => values().length >= 60);
    expect(values()).toEqual(range(0, 60));
    await connection.close();
  });
});
