import { StreamConsumer, StreamProducer, StreamsConnection } from '@sluice/streams';
import { KeptRecords, range } from '../../libs/streams/test/consumer-bench';
import { eventually } from '../support/eventually';
import { freshPrefix, sharedRedis, type TestRedis } from '../support/redis';

const topic = 'orders';
const partitions = range(0, 12);

let redis: TestRedis;
let connection: StreamsConnection;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(() => {
  connection = new StreamsConnection({ redisUrl: redis.url, keyPrefix: freshPrefix() });
});
afterEach(() => connection.close());

/** A member that deals with each record at once. */
async function member(): Promise<{ consumer: StreamConsumer; sink: KeptRecords }> {
  const sink = new KeptRecords();
  const terms = { group: 'readers', topics: [topic], heartbeatIntervalMs: 100 };
  const consumer = new StreamConsumer(connection, terms, sink);
  await consumer.start();
  return { consumer, sink };
}

test('six members come and go over twelve partitions: each record once, and in order', async () => {
  const { catalog } = await connection.connect();
  await catalog.create({ name: topic, partitions: partitions.length });
  const producer = new StreamProducer(connection);
  const all: KeptRecords[] = [];
  const members: StreamConsumer[] = [];
  let written = 0;
  const join = async (): Promise<void> => {
    const { consumer, sink } = await member();
    members.push(consumer);
    all.push(sink);
  };
  const produce = async (): Promise<void> => {
    await producer.sendAll(partitions.map((partition) => ({ topic, partition, value: 'x' })));
    written++;
  };
  for (const round of range(0, 18)) {
    await produce();
    // Up to six at a time; the oldest goes when there are more.
    const leaving = members.length === 6 || round % 3 === 2 ? members.shift() : undefined;
    await Promise.all([leaving?.close(), join(), produce()]);
  }
  await eventually(() => {
    const taken = all.reduce((sum, sink) => sum + sink.taken.length, 0);
    return taken >= written * partitions.length;
  });
  for (const partition of partitions) {
    const offsets = all.flatMap((sink) => sink.offsets(partition));
    // All of them stopped cleanly, so nothing came twice.
    expect(offsets.toSorted((a, b) => a - b)).toEqual(range(0, written));
    for (const sink of all) {
      const own = sink.offsets(partition);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  }
  await Promise.all(members.map((one) => one.close()));
});
