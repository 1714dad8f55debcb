import { eventually } from '@sluice/test/support/eventually';
import { sharedRedis, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import { connectStreams, failureOf, storedRecords, valuesOf } from '../../test/streams';
import type { ProducerSettings } from '../api';
import type { StreamsConnection } from '../connection/streams-connection';
import { StreamProducer } from './stream-producer';

let proxy: TcpProxy;
let connection: StreamsConnection;

beforeAll(async () => {
  const redis = await sharedRedis();
  const url = new URL(redis.url);
  proxy = new TcpProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(await proxy.start());
  redis.beforeStop.add(() => proxy.stop());
  connection = await connectStreams({ redisUrl: url.href });
});
afterAll(async () => (await sharedRedis()).stop());

const producerOf = (settings: ProducerSettings = {}): StreamProducer =>
  new StreamProducer(connection, settings);

/** A topic with one record, so that nothing but the producer is tried. */
async function begin(topic: string): Promise<void> {
  await producerOf().send({ topic, value: '0' });
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));

describe('an idempotent producer', () => {
  it('writes each record once and in order, whatever replies are lost', async () => {
    const topic = 'lost-replies';
    const producer = producerOf({ batchBytesMax: 500 });
    await producer.send({ topic, value: '0' });
    const sent: Promise<{ offset: number }>[] = [];
    for (let round = 0; round < 10; round++) {
      for (const value of numbers(1 + 20 * round, 21 + 20 * round)) {
        sent.push(producer.send({ topic, value }));
      }
      proxy.loseNextReply();
      await sent.at(-1);
    }
    const places = await Promise.all(sent);
    expect(places.map(({ offset }) => offset)).toEqual(numbers(1, 201).map(Number));
    // The connection for reading may have been broken off last.
    const stored = await eventually(() => storedRecords(connection, topic));
    expect(valuesOf(stored)).toEqual(numbers(0, 201));
  });

  it('goes on with another id where the log has forgotten it', async () => {
    const topic = 'forgotten';
    const producer = producerOf();
    await producer.send({ topic, value: '0' });
    await producer.send({ topic, value: '1' });
    // As after a loss: what the log remembers of it is older than what it has written.
    const { redis, catalog } = connection.connected!;
    const key = `${redis.keyPrefix}{${topic}/${catalog.byName(topic)!.id}/0}:producers`;
    const [id] = Object.keys(await redis.write.hgetall(key)).filter((one) => one !== 'format');
    const other = producerOf();
    await other.send({ topic, value: '2' });
    const ids = Object.keys(await redis.write.hgetall(key));
    const otherId = ids.find((one) => one !== 'format' && one !== id)!;
    const remembered = await redis.write.hgetBuffer(key, otherId);
    await redis.write.hset(key, id!, remembered!);
    expect(await producer.send({ topic, value: '3' })).toMatchObject({ offset: 3 });
    expect(await producer.send({ topic, value: '4' })).toMatchObject({ offset: 4 });
    expect(valuesOf(await storedRecords(connection, topic))).toEqual(numbers(0, 5));
  });
});

it('without idempotence a lost reply is told as doubt, and nothing is sent twice', async () => {
  const topic = 'plain';
  const producer = producerOf({ idempotent: false });
  await producer.send({ topic, value: '0' });
  proxy.loseNextReply();
  const error = await failureOf(producer.send({ topic, value: '1' }));
  expect(error).toMatchObject({ code: 'REQUEST_TIMED_OUT', mayBeWritten: true, retriable: true });
  await eventually(() => producer.send({ topic, value: '2' }).catch(() => null));
  // The connection for reading may have been broken off last.
  const stored = await eventually(() => storedRecords(connection, topic));
  expect(valuesOf(stored)).toEqual(['0', '1', '2']);
});

describe('while Redis is away', () => {
  afterEach(() => proxy.restore());

  it('records wait, and are written in order once it is back', async () => {
    const topic = 'away';
    const producer = producerOf();
    await producer.send({ topic, value: '0' });
    proxy.interrupt();
    const sent = numbers(1, 50).map((value) => producer.send({ topic, value }));
    await eventually(() => connection.connected?.redis.status().connected === false);
    proxy.restore();
    const places = await Promise.all(sent);
    expect(places.map(({ offset }) => offset)).toEqual(numbers(1, 50).map(Number));
  });

  it('no record waits longer than it may, and those behind it are written', async () => {
    const topic = 'late';
    await begin(topic);
    const producer = producerOf({ deliveryTimeoutMs: 300 });
    proxy.interrupt();
    const error = await failureOf(producer.send({ topic, value: '1' }));
    expect(error).toMatchObject({ code: 'DELIVERY_TIMED_OUT', retriable: true });
    expect(producer.bufferedBytes).toBe(0);
    proxy.restore();
    await eventually(() => producer.send({ topic, value: '2' }).catch(() => null));
    // One that was sent again may be there twice.
    const values = [...new Set(valuesOf(await storedRecords(connection, topic)))];
    expect(values).toEqual(error.mayBeWritten ? expect.arrayContaining(['0', '2']) : ['0', '2']);
  });

  it('a producer ends within its time', async () => {
    const topic = 'closing';
    await begin(topic);
    const producer = producerOf({ deliveryTimeoutMs: 300 });
    proxy.interrupt();
    const failure = failureOf(producer.send({ topic, value: '1' }));
    await producer.close();
    expect(await failure).toMatchObject({ code: 'DELIVERY_TIMED_OUT' });
  });
});

describe('with replicas', () => {
  let primary: TestRedis;
  let own: StreamsConnection;

  beforeAll(async () => {
    primary = await startRedis();
    own = await connectStreams({ replicationTimeoutMs: 1_000 }, { redis: primary });
  });
  afterAll(() => primary.stop());

  it('acks -1 waits for as many copies as the topic asks for, and acks 1 for none', async () => {
    const topic = 'copies';
    const { topics, redis } = await own.connect();
    await topics.ensure(topic, { configs: { 'min.insync.replicas': '2' } });
    const one = new StreamProducer(own, { acks: 1 });
    expect(await one.send({ topic, value: '0' })).toMatchObject({ offset: 0 });
    const all = new StreamProducer(own, { deliveryTimeoutMs: 3_000 });
    const error = await failureOf(all.send({ topic, value: 'x' }));
    expect(error).toMatchObject({ code: 'DELIVERY_TIMED_OUT' });
    expect(error.message).toContain('0 replicas are connected, 1 are needed');
    const replica = await startRedis({ replicaOf: primary });
    await eventually(async () => (await redis.replicaCount()) === 1);
    expect(await all.send({ topic, value: '1' })).toMatchObject({ offset: 1 });
    await replica.pause();
    const slow = new StreamProducer(own, { acks: -1 });
    const waiting = slow.send({ topic, value: '2' });
    await eventually(async () => valuesOf(await storedRecords(own, topic)).length === 3);
    await replica.resume();
    expect(await waiting).toMatchObject({ offset: 2 });
    expect(valuesOf(await storedRecords(own, topic))).toEqual(['0', '1', '2']);
    await replica.stop();
  });
});
