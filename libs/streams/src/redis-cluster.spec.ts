import { silentLogger, systemRandom } from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import { redisAt } from '@sluice/test/support/failover-load';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { TestCluster } from '@sluice/test/support/redis-cluster';
import { KeptRecords, range } from '../test/consumer-bench';
import { connectStreams } from '../test/streams';
import { StreamConsumer } from './consumer/stream-consumer';
import { StreamProducer } from './producer/stream-producer';
import type { Reply } from './replies/reply';
import { ReplyInbox } from './replies/reply-inbox';
import { sendReply } from './replies/send-reply';

describe('streams on a Redis Cluster', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start({ replicas: 0 });
  });
  afterAll(() => cluster?.stop());

  it('a consumer reads partitions of all shards, as they are written', async () => {
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

  it('answers come by the word that is published, without a look at their stream', async () => {
    const connection = await connectStreams({}, { redis: redisAt(cluster.url) });
    const { redis } = await connection.connect();
    // Its time does not pass, so the inbox never looks by itself.
    const ports = { clock: new FakeClock(), log: silentLogger, random: systemRandom };
    const replies: Reply[] = [];
    const listener = { onReply: (reply: Reply) => void replies.push(reply), onLost: () => {} };
    const inboxes = await Promise.all(
      range(0, 4).map(() => ReplyInbox.open(redis, ports, listener)),
    );
    for (const [number, { address }] of inboxes.entries()) {
      const reply = { correlationId: `${number}`, value: null, error: null, isLast: true, number };
      expect(await sendReply(redis, address, reply)).toBe(true);
    }
    await eventually(() => replies.length === inboxes.length);
    await Promise.all(inboxes.map((inbox) => inbox.close()));
    await connection.close();
  });
});
