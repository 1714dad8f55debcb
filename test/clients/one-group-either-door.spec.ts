import { StreamConsumer, StreamProducer, StreamsConnection } from '@sluice/streams';
import { KeptRecords, range } from '../../libs/streams/test/consumer-bench';
import { startBroker, type TestBroker } from '../support/broker';
import { eventually } from '../support/eventually';
import { collect, kafkaAt, quickConsumer } from '../support/kafkajs';
import { sharedRedis, type TestRedis } from '../support/redis';

let redis: TestRedis;
let server: TestBroker;
let connection: StreamsConnection;
let producer: StreamProducer;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  server = await startBroker();
  connection = new StreamsConnection({ redisUrl: redis.url, keyPrefix: server.keyPrefix });
  producer = new StreamProducer(connection);
  await server.catalog.create({ name: 'orders', partitions: 2 });
});
afterEach(async () => {
  await connection.close();
  await server.stop();
});

const topic = 'orders';
const groupId = 'billing';

async function produce(from: number, to: number): Promise<void> {
  const values = range(from, to).map((index) => `${index}`);
  const sent = values.map((value) => ({ topic, partition: Number(value) % 2, value }));
  await producer.sendAll(sent);
}

/** What a member of the group reads until it has so many records; then it stops cleanly. */
async function asMember(count: number): Promise<string[]> {
  const sink = new KeptRecords();
  const terms = { group: groupId, topics: [topic], heartbeatIntervalMs: 100 };
  const consumer = new StreamConsumer(connection, terms, sink);
  await consumer.start();
  await eventually(() => sink.taken.length >= count);
  await consumer.close();
  return sorted(sink.taken.map(({ record }) => record.value!.toString()));
}

/** The same as a kafkajs consumer. */
async function asKafkajs(count: number): Promise<string[]> {
  const consumer = kafkaAt(server.port).consumer({ groupId, ...quickConsumer });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const seen = await collect(consumer);
  await eventually(() => seen.length >= count);
  await consumer.disconnect();
  return sorted(seen.map(({ value }) => value!));
}

function sorted(values: readonly string[]): string[] {
  return values
    .map(Number)
    .sort((a, b) => a - b)
    .map(String);
}

function numbers(from: number, to: number): string[] {
  return range(from, to).map(String);
}

async function committed(): Promise<number[]> {
  const admin = kafkaAt(server.port).admin();
  await admin.connect();
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  await admin.disconnect();
  return found!.partitions
    .sort((a, b) => a.partition - b.partition)
    .map(({ offset }) => Number(offset));
}

describe('one group', () => {
  it('is handed over from members to a Kafka client and back, and repeats nothing', async () => {
    await produce(0, 10);
    expect(await asMember(10)).toEqual(numbers(0, 10));
    expect(await committed()).toEqual([5, 5]);
    await produce(10, 20);
    expect(await asKafkajs(10)).toEqual(numbers(10, 20));
    await produce(20, 30);
    expect(await asMember(10)).toEqual(numbers(20, 30));
    await produce(30, 40);
    expect(await asMember(10)).toEqual(numbers(30, 40));
    expect(await committed()).toEqual([20, 20]);
  });

  it('begins with a Kafka client, and members go on', async () => {
    await produce(0, 10);
    expect(await asKafkajs(10)).toEqual(numbers(0, 10));
    await produce(10, 14);
    expect(await asMember(4)).toEqual(numbers(10, 14));
  });

  it('obeys a reset by an administrator, back and forth', async () => {
    await produce(0, 10);
    expect(await asMember(10)).toEqual(numbers(0, 10));
    await resetTo(2);
    expect(await asMember(6)).toEqual(numbers(4, 10));
    await resetTo(4);
    await produce(10, 12);
    expect(await asMember(4)).toEqual(numbers(8, 12));
    expect(await committed()).toEqual([6, 6]);
  });
});

/** Sets the offsets of both partitions while nobody is in the group. */
async function resetTo(offset: number): Promise<void> {
  const admin = kafkaAt(server.port).admin();
  await admin.connect();
  const partitions = [0, 1].map((partition) => ({ partition, offset: `${offset}` }));
  await admin.setOffsets({ groupId, topic, partitions });
  await admin.disconnect();
}
