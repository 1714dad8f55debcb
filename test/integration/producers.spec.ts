import { encodeBatch } from '@sluice/records';
import { partitionKeys } from '@sluice/log';
import { recordsAt } from '@sluice/test/support/batches';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { CreateTopics, DescribeProducers, ErrorCode, Produce } from '@sluice/wire';
import { limits } from '../../libs/broker/src/limits';

let redis: TestRedis;
let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  redis = await startRedis();
  host = await startBroker({ redis });
  client = await RawClient.connect(host.port);
});

afterEach(() => jest.restoreAllMocks());

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await redis?.stop();
});

async function createTopic(name: string, numPartitions = 1): Promise<void> {
  const topics = [{ name, numPartitions, replicationFactor: 1 }];
  const created = await client.send(CreateTopics, 7, { topics });
  expect(created.topics).toMatchObject([{ errorCode: 0 }]);
}

interface Append {
  producerId: number;
  producerEpoch?: number;
  baseSequence: number;
  records?: number;
  partition?: number;
}

async function append(name: string, { records: count = 1, ...batch }: Append): Promise<void> {
  const { partition = 0, producerEpoch = 0, ...producer } = batch;
  const timestamps = Array.from({ length: count }, () => 1_000);
  const records = encodeBatch({ records: recordsAt(...timestamps), producerEpoch, ...producer });
  const topicData = [{ name, partitionData: [{ index: partition, records }] }];
  const request = { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData };
  const { responses } = await client.send(Produce, 9, request);
  expect(responses[0]!.partitionResponses).toMatchObject([{ errorCode: 0 }]);
}

async function producersOf(name: string, ...partitionIndexes: number[]) {
  const request = { topics: [{ name, partitionIndexes }] };
  const { topics } = await client.send(DescribeProducers, 0, request);
  expect(topics.map((topic) => topic.name)).toEqual([name]);
  return topics[0]!.partitions;
}

/** The keys of a topic's first partition. */
function keysOf(name: string) {
  const topicId = host.catalog.byName(name)!.id;
  return partitionKeys(host.keyPrefix, { topic: name, topicId, partition: 0 });
}

test('tells epoch, last sequence and last use of each producer', async () => {
  await createTopic('written', 2);
  const beforeMs = Date.now();
  await append('written', { producerId: 11, baseSequence: 0, records: 5 });
  await append('written', { producerId: 11, baseSequence: 5, records: 2 });
  await append('written', { producerId: 12, producerEpoch: 3, baseSequence: 0 });
  await append('written', { producerId: 2 ** 40, baseSequence: 2 ** 31 - 2, records: 4 });
  await append('written', { producerId: 13, baseSequence: 7, partition: 1 });
  const [first, second] = await producersOf('written', 0, 1);
  expect(first).toMatchObject({ partitionIndex: 0, errorCode: 0, errorMessage: null });
  const byId = new Map(first!.activeProducers.map((one) => [one.producerId, one]));
  expect([...byId.keys()].sort((a, b) => a - b)).toEqual([11, 12, 2 ** 40]);
  expect(byId.get(11)).toMatchObject({ producerEpoch: 0, lastSequence: 6 });
  expect(byId.get(12)).toMatchObject({ producerEpoch: 3, lastSequence: 0 });
  // After 2^31 - 1 comes 0.
  expect(byId.get(2 ** 40)).toMatchObject({ lastSequence: 1 });
  for (const producer of byId.values()) {
    expect(producer).toMatchObject({ coordinatorEpoch: -1, currentTxnStartOffset: -1 });
    expect(producer.lastTimestamp).toBeGreaterThan(beforeMs - 60_000);
    expect(producer.lastTimestamp % 1_000).toBe(0);
  }
  expect(second!.activeProducers).toMatchObject([{ producerId: 13, lastSequence: 7 }]);
});

test('answers what is not there, and what is named twice', async () => {
  await createTopic('quiet');
  const { topics } = await client.send(DescribeProducers, 0, {
    topics: [
      { name: 'quiet', partitionIndexes: [0, 1, -1] },
      { name: 'nowhere', partitionIndexes: [0] },
      { name: 'b!d', partitionIndexes: [0] },
      { name: 'none', partitionIndexes: [] },
    ],
  });
  const codes = topics.map(({ name, partitions }) => [name, partitions.map((p) => p.errorCode)]);
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  expect(codes).toEqual([
    ['quiet', [0, unknown, unknown]],
    ['nowhere', [unknown]],
    ['b!d', [ErrorCode.INVALID_TOPIC_EXCEPTION]],
    ['none', []],
  ]);
  const twice = await producersOf('quiet', 0, 0);
  expect(twice).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST, activeProducers: [] }]);
});

/** What include/producers.lua keeps of a producer: epoch, last use, sequences, one batch. */
function producerUsedAt(seconds: number): Buffer {
  const value = Buffer.alloc(26);
  value.writeUInt32LE(seconds, 2);
  return value;
}

test('tells of too many those that wrote last, and refuses what is beyond the whole', async () => {
  const partitions = 11;
  jest.replaceProperty(limits as Record<string, number>, 'describedProducersMax', 100);
  jest.replaceProperty(limits as Record<string, number>, 'describedProducersTotalMax', 1_000);
  await createTopic('crowded', partitions);
  const topicId = host.catalog.byName('crowded')!.id;
  for (let partition = 0; partition < partitions; partition++) {
    const keys = partitionKeys(host.keyPrefix, { topic: 'crowded', topicId, partition });
    const ids = Array.from({ length: partition === 0 ? 240 : 100 }, (_, id) => id);
    const values = ids.flatMap((id) => [`${id}`, producerUsedAt(id)]);
    await host.link.write.hset(keys.producers, ...values);
  }
  const [latest] = await producersOf('crowded', 0);
  expect(latest!.activeProducers).toHaveLength(100);
  expect(latest!.activeProducers[0]).toMatchObject({
    producerId: 239,
    lastTimestamp: 239_000,
  });
  expect(latest!.activeProducers.at(-1)!.producerId).toBe(140);
  const all = Array.from({ length: partitions }, (_, index) => index);
  const answers = await producersOf('crowded', ...all);
  const refused = answers.filter(({ errorCode }) => errorCode !== ErrorCode.NONE);
  expect(refused).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST, activeProducers: [] }]);
  expect(refused[0]!.errorMessage).toContain('fewer');
  const told = answers.reduce((sum, { activeProducers }) => sum + activeProducers.length, 0);
  expect(told).toBe(1_000);
});

test('what a newer version has stored is not told, nor anything while Redis is away', async () => {
  await createTopic('newer');
  await append('newer', { producerId: 5, baseSequence: 0 });
  const { producers } = keysOf('newer');
  await host.link.write.hset(producers, 'format', '2');
  const failed = { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, activeProducers: [] };
  const [newer] = await producersOf('newer', 0);
  expect(newer).toMatchObject(failed);
  expect(newer!.errorMessage).toContain(producers);
  // What has no format is of the first one.
  await host.link.write.hdel(producers, 'format');
  expect(await producersOf('newer', 0)).toMatchObject([{ errorCode: 0 }]);
  await redis.kill();
  await eventually(async () => {
    expect(await producersOf('newer', 0)).toMatchObject([failed]);
    return true;
  });
  await redis.restart();
  await eventually(async () => {
    // A killed Redis may have lost it, where the disk was slow; else it is a duplicate of itself.
    await append('newer', { producerId: 5, baseSequence: 0 });
    const [again] = await producersOf('newer', 0);
    expect(again).toMatchObject({ activeProducers: [{ producerId: 5 }] });
    return true;
  });
});
