import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { collect, kafkaAt, producerOf, quickConsumer } from '@sluice/test/support/kafkajs';
import { Reader } from '@sluice/test/support/platformatic';
import { Fetch, JoinGroup, OffsetCommit, Produce } from '@sluice/wire';
import { EventEmitter, once } from 'node:events';
import type { Admin, Consumer, Kafka } from 'kafkajs';

/*
 * What real clients make of requests that are lost, of replies that are lost, and of delays.
 */

let broker: TestBroker;
let kafka: Kafka;
let admin: Admin;
let topicNumber = 0;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  broker = await startBroker();
  kafka = kafkaAt(broker.port);
  admin = kafka.admin();
  await admin.connect();
});

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

afterAll(async () => {
  await admin?.disconnect();
  await broker?.stop();
  await broker?.redis.stop();
});

const numbers = (count: number) => Array.from({ length: count }, (_, at) => String(at));

async function newTopic(numPartitions = 1): Promise<string> {
  const topic = `topic-${topicNumber++}`;
  await admin.createTopics({ topics: [{ topic, numPartitions }] });
  return topic;
}

async function write(topic: string, values: string[], idempotent = false): Promise<void> {
  const settings = idempotent ? { idempotent, maxInFlightRequests: 1 } : {};
  const producer = await producerOf(kafka, settings);
  for (const value of values) await producer.send({ topic, acks: -1, messages: [{ value }] });
  await producer.disconnect();
}

async function consumerOf(groupId: string, topics: string[]): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId, ...quickConsumer });
  open.push({ close: () => consumer.disconnect() });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  return consumer;
}

async function readerOf(groupId: string, topics: string[]): Promise<Reader> {
  const reader = await Reader.start(broker.port, groupId, { topics, mode: 'earliest' });
  open.push(reader);
  return reader;
}

const valuesOf = (seen: readonly { value: string | null }[]) => seen.map(({ value }) => value);

describe('a producer', () => {
  it('that is idempotent writes once, though replies are lost', async () => {
    const topic = await newTopic();
    const lost = broker.broker.intercept(Produce, 'drop-reply', { times: 3 });
    await write(topic, numbers(10), true);
    expect(lost.count).toBe(3);
    const reader = await readerOf('after-lost-replies', [topic]);
    await eventually(() => reader.seen.length >= 10);
    expect(valuesOf(reader.seen)).toEqual(numbers(10));
    const [ends] = await admin.fetchTopicOffsets(topic);
    expect(ends).toMatchObject({ high: '10' });
  });

  it('sends again what was never received', async () => {
    const topic = await newTopic();
    const lost = broker.broker.intercept(Produce, 'drop-request', { times: 3 });
    await write(topic, numbers(5));
    expect(lost.count).toBe(3);
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ high: '5' }]);
  });
});

describe('a consumer', () => {
  it('reads all, in order and once, though fetches are lost', async () => {
    const topic = await newTopic();
    await write(topic, numbers(20));
    const requests = broker.broker.intercept(Fetch, 'drop-request', { times: 2 });
    const replies = broker.broker.intercept(Fetch, 'drop-reply', { times: 2 });
    const reader = await readerOf('after-lost-fetches', [topic]);
    await eventually(() => reader.seen.length >= 20);
    expect(valuesOf(reader.seen)).toEqual(numbers(20));
    expect([requests.count, replies.count]).toEqual([2, 2]);
  });

  it('joins late where its JoinGroup is held up, and the others go on', async () => {
    const topic = await newTopic(2);
    const groupId = 'held-up';
    const first = await consumerOf(groupId, [topic]);
    const seen = await collect(first);
    await eventually(async () => (await admin.describeGroups([groupId])).groups[0]!.members.length);
    const events = new EventEmitter();
    const held = broker.broker.intercept(
      JoinGroup,
      { delayUntil: once(events, 'go') },
      { times: 1 },
    );
    const second = await consumerOf(groupId, [topic]);
    const joining = collect(second);
    await eventually(() => held.count === 1);
    await write(topic, numbers(6));
    await eventually(() => seen.length === 6);
    events.emit('go');
    const seenToo = await joining;
    await eventually(async () => {
      const { groups } = await admin.describeGroups([groupId]);
      return groups[0]!.state === 'Stable' && groups[0]!.members.length === 2;
    });
    expect([...valuesOf(seen), ...valuesOf(seenToo)].sort()).toEqual(numbers(6));
  });

  it('has committed, though the reply was lost', async () => {
    const topic = await newTopic();
    const groupId = 'lost-commits';
    await write(topic, numbers(3));
    const consumer = await consumerOf(groupId, [topic]);
    const lost = broker.broker.intercept(OffsetCommit, 'drop-reply', { times: 2 });
    const seen = await collect(consumer);
    await eventually(() => seen.length === 3);
    await consumer.commitOffsets([{ topic, partition: 0, offset: '3' }]);
    expect(lost.count).toBe(2);
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
    expect(committed!.partitions).toMatchObject([{ partition: 0, offset: '3' }]);
  });
});
