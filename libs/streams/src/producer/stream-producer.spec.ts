import { partitionForKey } from '@sluice/records';
import { Partitioners } from 'kafkajs';
import { eventually } from '@sluice/test/support/eventually';
import { sharedRedis } from '@sluice/test/support/redis';
import { connectStreams, failureOf, storedRecords, valuesOf } from '../../test/streams';
import type { ProducerSettings } from '../api';
import type { StreamsConnection } from '../connection/streams-connection';
import { StreamProducer } from './stream-producer';

let connection: StreamsConnection;
let topics = 0;

beforeAll(async () => (connection = await connectStreams()));
afterAll(async () => (await sharedRedis()).stop());

const newTopic = (): string => `topic-${topics++}`;

async function makeTopic(partitions: number, configs: Record<string, string> = {}) {
  const topic = newTopic();
  const { topics: maker } = await connection.connect();
  await maker.ensure(topic, { partitions, configs });
  return topic;
}

const producerOf = (settings: ProducerSettings = {}): StreamProducer =>
  new StreamProducer(connection, settings);

describe('a record that is sent', () => {
  it('is in the log with key, value, headers and time, and its place is told', async () => {
    const topic = newTopic();
    const sent = await producerOf().send({
      topic,
      key: 'k',
      value: Buffer.from('v'),
      headers: [
        { key: 'a', value: Buffer.from('1') },
        { key: 'a', value: null },
      ],
      timestampMs: 1_700_000_000_000,
    });
    expect(sent).toEqual({ topic, partition: 0, offset: 0, timestampMs: 1_700_000_000_000 });
    const [stored] = await storedRecords(connection, topic);
    expect(stored).toMatchObject({ offset: 0, timestampMs: 1_700_000_000_000, partition: 0 });
    expect(String(stored!.key)).toBe('k');
    expect(String(stored!.value)).toBe('v');
    expect(stored!.headers.map(({ key, value }) => [key, value?.toString() ?? null])).toEqual([
      ['a', '1'],
      ['a', null],
    ]);
  });

  it('has neither key nor value where they are left out or null', async () => {
    const topic = newTopic();
    await producerOf().send({ topic, value: null });
    expect(await storedRecords(connection, topic)).toMatchObject([{ key: null, value: null }]);
  });

  it('goes where its key leads any Kafka client, or where it is told to go', async () => {
    const topic = await makeTopic(7);
    const producer = producerOf();
    const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`);
    const sent = await producer.sendAll(keys.map((key) => ({ topic, key, value: 'x' })));
    expect(sent.map(({ partition }) => partition)).toEqual(
      keys.map((key) => partitionForKey(Buffer.from(key), 7)),
    );
    const told = await producer.send({ topic, key: 'key-1', value: 'x', partition: 6 });
    expect(told.partition).toBe(6);
  });

  it('goes where kafkajs would send it', async () => {
    const topic = await makeTopic(12);
    const partitionMetadata = Array.from({ length: 12 }, (_, partitionId) => ({ partitionId }));
    const choose = Partitioners.DefaultPartitioner();
    const keys = ['', 'a', 'ab', 'abc', 'customer-4711', 'ümläut', '\u{1f600}'.repeat(9)];
    const sent = await producerOf().sendAll(keys.map((key) => ({ topic, key, value: 'x' })));
    const chosen = keys.map((key) =>
      choose({
        topic,
        partitionMetadata: partitionMetadata as never,
        message: { key, value: 'x' },
      }),
    );
    expect(sent.map(({ partition }) => partition)).toEqual(chosen);
  });

  it('without a key shares its batch with others, and the next batch is for another', async () => {
    const topic = await makeTopic(3);
    const producer = producerOf();
    const rounds: number[][] = [];
    for (let round = 0; round < 3; round++) {
      const records = Array.from({ length: 4 }, () => ({ topic, value: 'x' }));
      rounds.push((await producer.sendAll(records)).map(({ partition }) => partition));
    }
    for (const partitions of rounds) expect(new Set(partitions).size).toBe(1);
    expect(new Set(rounds.flat()).size).toBe(3);
  });

  it('is in order with the others of its partition, however many there are', async () => {
    const topic = await makeTopic(2);
    const producer = producerOf({ batchBytesMax: 2_000 });
    const values = Array.from({ length: 2_000 }, (_, i) => String(i));
    const records = values.map((value, i) => ({ topic, value, partition: i % 2 }));
    const sent = await producer.sendAll(records);
    expect(sent.map(({ offset }) => offset)).toEqual(values.map((_, i) => Math.floor(i / 2)));
    const stored = await storedRecords(connection, topic);
    const of = (partition: number) => valuesOf(stored.filter((one) => one.partition === partition));
    expect(of(0)).toEqual(values.filter((_, i) => i % 2 === 0));
    expect(of(1)).toEqual(values.filter((_, i) => i % 2 === 1));
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('may be packed with %s', async (name) => {
    const topic = newTopic();
    await producerOf({ compression: name }).send({ topic, value: 'x'.repeat(500) });
    expect(valuesOf(await storedRecords(connection, topic))).toEqual(['x'.repeat(500)]);
  });

  it('waits for company where it may linger, and no longer when all is to be flushed', async () => {
    const topic = newTopic();
    const producer = producerOf({ lingerMs: 60_000 });
    const sent = [producer.send({ topic, value: '1' }), producer.send({ topic, value: '2' })];
    await producer.flush();
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([0, 1]);
    const { store, catalog } = await connection.connect();
    const ref = { topic, topicId: catalog.byName(topic)!.id, partition: 0 };
    expect(await store.bounds(ref)).toMatchObject({ batches: 1 });
  });

  it('with acks 0 is answered at once, and written all the same', async () => {
    const topic = newTopic();
    const producer = producerOf({ acks: 0 });
    expect(await producer.send({ topic, value: 'x' })).toMatchObject({ partition: 0, offset: -1 });
    await producer.close();
    expect(valuesOf(await storedRecords(connection, topic))).toEqual(['x']);
  });
});

describe("a topic's configs", () => {
  it('give records the time of their append', async () => {
    const topic = await makeTopic(1, { 'message.timestamp.type': 'LogAppendTime' });
    const sent = await producerOf().send({ topic, value: 'x', timestampMs: 5 });
    expect(sent.timestampMs).toBeGreaterThan(1_700_000_000_000);
    const [stored] = await storedRecords(connection, topic);
    expect(stored!.timestampMs).toBe(sent.timestampMs);
  });

  it('bound the times of records', async () => {
    const topic = await makeTopic(1, { 'message.timestamp.before.max.ms': '1000' });
    const error = await failureOf(producerOf().send({ topic, value: 'x', timestampMs: 5 }));
    expect(error).toMatchObject({ code: 'INVALID_TIMESTAMP', topic, mayBeWritten: false });
  });

  it('refuse a record without a key in a compacted topic, and none beside it', async () => {
    const topic = await makeTopic(1, { 'cleanup.policy': 'compact' });
    const producer = producerOf();
    const [first, keyless, last] = ['a', undefined, 'b'].map((key) =>
      producer.send({ topic, key, value: String(key) }),
    );
    expect(await failureOf(keyless!)).toMatchObject({ code: 'INVALID_RECORD', retriable: false });
    expect([(await first!).offset, (await last!).offset]).toEqual([0, 1]);
  });

  it('bound the bytes of batches: more go in several, one too large is refused', async () => {
    const topic = await makeTopic(1, { 'max.message.bytes': '300' });
    const producer = producerOf();
    const fine = Array.from({ length: 10 }, (_, i) => ({ topic, value: `${i}`.repeat(100) }));
    const large = failureOf(producer.send({ topic, value: 'x'.repeat(400) }));
    const sent = await producer.sendAll(fine);
    expect(sent.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await large).toMatchObject({ code: 'MESSAGE_TOO_LARGE', partition: 0 });
    expect((await large).message).toContain('max.message.bytes is 300');
  });

  it('have batches compressed as the topic wants, and measured as stored', async () => {
    const configs = { 'compression.type': 'gzip', 'max.message.bytes': '300' };
    const topic = await makeTopic(1, configs);
    await producerOf({ compression: 'lz4' }).send({ topic, value: 'x'.repeat(10_000) });
    const { store, catalog } = await connection.connect();
    const ref = { topic, topicId: catalog.byName(topic)!.id, partition: 0 };
    const [batch] = await store.read(ref, 0, { entries: 1 });
    expect(batch!.bytes[22]! & 0b111).toBe(1);
  });
});

describe('a record that cannot be sent', () => {
  it('is of a topic that is not there and not to be made', async () => {
    const producer = producerOf({ createTopics: false });
    const error = await failureOf(producer.send({ topic: newTopic(), value: 'x' }));
    expect(error).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: true });
  });

  it('is of a topic that cannot have that name', async () => {
    const error = await failureOf(producerOf().send({ topic: 'not a name', value: 'x' }));
    expect(error).toMatchObject({ code: 'INVALID_TOPIC_EXCEPTION', retriable: false });
  });

  it('is for a partition that there is not', async () => {
    const topic = await makeTopic(2);
    const error = await failureOf(producerOf().send({ topic, value: 'x', partition: 2 }));
    expect(error).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION', partition: 2 });
  });

  it.each([
    ['a topic', { topic: '', value: 'x' }],
    ['a value that is bytes', { topic: 't', value: 5 as unknown as string }],
    ['a partition that is a number', { topic: 't', value: 'x', partition: -1 }],
    ['a time that is a number', { topic: 't', value: 'x', timestampMs: NaN }],
    ['headers of bytes', { topic: 't', value: 'x', headers: [{ key: 'a', value: 'b' as never }] }],
  ])('lacks %s', async (_, record) => {
    const error = await failureOf(producerOf().send(record));
    expect(error).toMatchObject({ code: 'INVALID_RECORD', mayBeWritten: false });
  });

  it('is more than the buffer holds, and is told so at once', async () => {
    const topic = await makeTopic(1);
    const producer = producerOf({ bufferBytesMax: 1_000 });
    const sent = producer.send({ topic, value: 'x'.repeat(900) });
    const error = await failureOf(producer.send({ topic, value: 'x'.repeat(900) }));
    expect(error).toMatchObject({ code: 'BUFFER_FULL', retriable: true, mayBeWritten: false });
    await sent;
    expect(producer.bufferedBytes).toBe(0);
    await producer.send({ topic, value: 'x'.repeat(900) });
  });

  it('comes after the producer was closed', async () => {
    const producer = producerOf();
    await producer.close();
    const error = await failureOf(producer.send({ topic: 't', value: 'x' }));
    expect(error).toMatchObject({ code: 'PRODUCER_CLOSED', retriable: false });
  });

  it('is told among those that were sent with it', async () => {
    const topic = await makeTopic(1);
    const records = [0, 9, 0].map((partition) => ({ topic, value: 'x', partition }));
    const error = await failureOf(producerOf().sendAll(records));
    expect(error.code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(error.outcomes).toMatchObject([{ offset: 0 }, { name: 'SendError' }, { offset: 1 }]);
  });
});

describe('a topic', () => {
  it('is made once for all who send to it at the same time', async () => {
    const topic = newTopic();
    const producers = [producerOf(), producerOf()];
    const sent = await Promise.all(
      [0, 1, 2, 3].map((i) => producers[i % 2]!.send({ topic, value: String(i) })),
    );
    expect(sent.map(({ offset }) => offset).sort()).toEqual([0, 1, 2, 3]);
  });

  it('that was deleted fails what is sent to it, and one of its name begins anew', async () => {
    const topic = await makeTopic(1);
    const producer = producerOf();
    await producer.send({ topic, value: 'old' });
    const { catalog } = await connection.connect();
    await catalog.delete(topic);
    expect(await producer.send({ topic, value: 'new' })).toMatchObject({ offset: 0 });
    expect(valuesOf(await storedRecords(connection, topic))).toEqual(['new']);
  });

  it('that is deleted fails what waits, though its log may still take it', async () => {
    const topic = await makeTopic(1);
    const producer = producerOf({ lingerMs: 60_000 });
    const first = producer.send({ topic, value: 'old' });
    await producer.flush();
    await first;
    const waiting = failureOf(producer.send({ topic, value: 'new' }));
    const { catalog } = await connection.connect();
    await catalog.delete(topic);
    await producer.flush();
    expect(await waiting).toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      mayBeWritten: false,
    });
  });

  it('that has got partitions is used whole', async () => {
    const topic = await makeTopic(1);
    const producer = producerOf();
    await producer.send({ topic, key: 'k', value: '1' });
    const { catalog } = await connection.connect();
    await catalog.addPartitions(topic, 5);
    const key = 'key-1';
    const sent = await eventually(async () => {
      const one = await producer.send({ topic, key, value: '2' });
      return one.partition === partitionForKey(Buffer.from(key), 5) && one;
    });
    expect(sent.topic).toBe(topic);
  });
});

it.each([
  ['acks', { acks: 2 as never }],
  ['idempotent', { acks: 0, idempotent: true }],
  ['compression', { compression: 'zip' as never }],
  ['lingerMs', { lingerMs: -1 }],
  ['batchBytesMax', { batchBytesMax: 0 }],
  ['bufferBytesMax', { bufferBytesMax: NaN }],
  ['deliveryTimeoutMs', { deliveryTimeoutMs: 0 }],
] as [string, ProducerSettings][])('a setting %s that cannot be meant is named', (name, given) => {
  expect(() => producerOf(given)).toThrow(new RegExp(`setting ${name} `));
});
