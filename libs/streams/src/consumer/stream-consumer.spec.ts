import { eventually } from '@sluice/test/support/eventually';
import { freshPrefix, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { KeptRecords, range } from '../../test/consumer-bench';
import type { ConsumerSettings } from '../api';
import { StreamsConnection } from '../connection/streams-connection';
import { StreamProducer } from '../producer/stream-producer';
import { StreamConsumer } from './stream-consumer';

let redis: TestRedis;
let keyPrefix: string;
let connection: StreamsConnection;
let producer: StreamProducer;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  keyPrefix = freshPrefix();
  connection = open();
  producer = new StreamProducer(connection);
  await makeTopic('orders', 4);
});
afterEach(() => connection.close());

function open(): StreamsConnection {
  return new StreamsConnection({ redisUrl: redis.url, keyPrefix });
}

async function makeTopic(name: string, partitions: number): Promise<void> {
  const { catalog } = await connection.connect();
  expect(await catalog.create({ name, partitions })).toHaveProperty('created');
}

async function produce(from: number, to: number, partition: number): Promise<void> {
  await producer.sendAll(
    range(from, to).map((index) => ({ topic: 'orders', partition, value: `${index}` })),
  );
}

/** A consumer that has joined. */
async function consumer(
  sink: KeptRecords,
  settings: Partial<ConsumerSettings> = {},
  through = connection,
): Promise<StreamConsumer> {
  const terms = { group: 'readers', topics: ['orders'], heartbeatIntervalMs: 100, ...settings };
  const made = new StreamConsumer(through, terms, sink);
  await made.start();
  return made;
}

function names(one: StreamConsumer): string[] {
  return one.health().partitions.map(({ topic, partition }) => `${topic}/${partition}`);
}

describe('a consumer', () => {
  it('reads all partitions of its topics, alone and beside others', async () => {
    for (const partition of range(0, 4)) await produce(0, 10, partition);
    const first = new KeptRecords();
    const one = await consumer(first);
    await eventually(() => first.taken.length === 40);
    for (const partition of range(0, 4)) expect(first.offsets(partition)).toEqual(range(0, 10));
    const second = new KeptRecords();
    const two = await consumer(second);
    await eventually(() => names(one).length === 2 && names(two).length === 2);
    for (const partition of range(0, 4)) await produce(10, 20, partition);
    await eventually(() => first.taken.length + second.taken.length === 80);
    await two.close();
    await eventually(() => names(one).length === 4);
    for (const partition of range(0, 4)) await produce(20, 30, partition);
    await eventually(() => first.taken.length + second.taken.length === 120);
    for (const partition of range(0, 4)) {
      const offsets = [...first.offsets(partition), ...second.offsets(partition)];
      expect(offsets.sort((a, b) => a - b)).toEqual(range(0, 30));
    }
    expect(one.health()).toMatchObject({ status: 'running', problem: null });
  });

  it('goes on after a clean stop where it was, with nothing repeated', async () => {
    await produce(0, 5, 0);
    const first = new KeptRecords();
    const one = await consumer(first);
    await eventually(() => first.taken.length === 5);
    await one.close();
    expect(one.health().status).toBe('stopped');
    await produce(5, 8, 0);
    const second = new KeptRecords();
    await consumer(second);
    await eventually(() => second.taken.length === 3);
    expect(second.taken.map(({ record }) => record.mayBeRepeated)).toEqual([false, false, false]);
  });

  it('picks up partitions and topics that come later', async () => {
    const sink = new KeptRecords();
    const assigned: string[] = [];
    const one = await consumer(sink, { topics: ['orders', /late-.*/] });
    one.onAssigned((list) => assigned.push(...list.map(({ partition }) => `${partition}`)));
    const { catalog } = await connection.connect();
    await catalog.addPartitions('orders', 6);
    await makeTopic('late-news', 1);
    await eventually(() => names(one).length === 7);
    await produce(0, 3, 5);
    await producer.send({ topic: 'late-news', value: 'x' });
    await eventually(() => sink.taken.length === 4);
    expect(sink.offsets(5)).toEqual([0, 1, 2]);
    await catalog.delete('late-news');
    await eventually(() => names(one).length === 6);
    await produce(3, 4, 5);
    await eventually(() => sink.offsets(5).length === 4);
  });

  it('that is gone without a word has another go on with what was open', async () => {
    await produce(0, 6, 0);
    const lost = open();
    const first = new KeptRecords();
    first.each = ({ owned, record }) => {
      if (record.offset < 3) owned.acknowledge(record.offset);
    };
    await consumer(first, { sessionTimeoutMs: 6_000 }, lost);
    await eventually(() => first.taken.length === 6);
    const { redis: link } = await lost.connect();
    // Its process ends: nothing of it reaches Redis any more.
    await link.close();
    const second = new KeptRecords();
    await consumer(second, { sessionTimeoutMs: 6_000 });
    await eventually(() => second.taken.length >= 3);
    expect(second.offsets(0).slice(-3)).toEqual([3, 4, 5]);
    await lost.close();
  });

  it('is refused where its settings cannot be', async () => {
    const one = new StreamConsumer(
      connection,
      { group: '', topics: ['orders'] },
      new KeptRecords(),
    );
    await expect(one.start()).rejects.toThrow(/has to have a name/);
    expect(one.health()).toMatchObject({ status: 'failed' });
    await one.close();
  });
});
