import { encodeBatch } from '@sluice/records';
import { askRedis } from '@sluice/test/support/ask-redis';
import { recordsAt } from '@sluice/test/support/batches';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import {
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  DescribeConfigs,
  DescribeLogDirs,
  IncrementalAlterConfigs,
  ErrorCode,
  Produce,
  type RequestInput,
} from '@sluice/wire';

/** Kafka's code for the configs of a broker. */
const brokerResource = 4;
const memoryMax = 256 * 1024 * 1024;

let redis: TestRedis;
let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  redis = await startRedis();
  host = await startBroker({ redis });
  client = await RawClient.connect(host.port);
  await createTopic('orders', 3);
  await createTopic('events', 1);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await redis?.stop();
});

async function createTopic(name: string, numPartitions: number): Promise<void> {
  const topics = [{ name, numPartitions, replicationFactor: 1 }];
  const created = await client.send(CreateTopics, 7, { topics });
  expect(created.topics).toMatchObject([{ errorCode: 0 }]);
}

/** Appends a batch; returns how many bytes it has. */
async function append(name: string, index: number, records: number): Promise<number> {
  const batch = encodeBatch({ records: recordsAt(...Array.from({ length: records }, () => 1)) });
  const topicData = [{ name, partitionData: [{ index, records: batch }] }];
  const request = { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData };
  const { responses } = await client.send(Produce, 9, request);
  expect(responses[0]!.partitionResponses).toMatchObject([{ errorCode: 0 }]);
  return batch.length;
}

const describeDir = async (topics: RequestInput<typeof DescribeLogDirs>['topics'], version = 5) => {
  const answer = await client.send(DescribeLogDirs, version, { topics });
  expect(answer).toMatchObject({ errorCode: 0, throttleTimeMs: 0 });
  expect(answer.results).toHaveLength(1);
  return answer.results[0]!;
};

/** The sizes of a topic's partitions in the order of the answer. */
const sizesIn = ({ topics }: Awaited<ReturnType<typeof describeDir>>, topic: string) =>
  topics.find(({ name }) => name === topic)?.partitions.map((one) => one.partitionSize);

test.each([1, 2, 3, 4, 5])('v%i tells the bytes of every partition', async (version) => {
  const name = `sizes-v${version}`;
  await createTopic(name, 2);
  const first = await append(name, 1, 3);
  const second = await append(name, 1, 40);
  const dir = await describeDir(null, version);
  expect(dir).toMatchObject({ errorCode: 0, logDir: `redis:${host.keyPrefix}` });
  expect(dir).toMatchObject({ totalBytes: -1, usableBytes: -1, isCordoned: false });
  expect(sizesIn(dir, name)).toEqual([0, first + second]);
  expect(sizesIn(dir, 'orders')).toEqual([0, 0, 0]);
  const { partitions } = dir.topics.find((topic) => topic.name === name)!;
  expect(partitions).toMatchObject([
    { partitionIndex: 0, offsetLag: 0, isFutureKey: false },
    { partitionIndex: 1, offsetLag: 0, isFutureKey: false },
  ]);
  const request = { topics: [{ name, partitions: [{ partitionIndex: 1, offset: 3 }] }] };
  await client.send(DeleteRecords, 2, { ...request, timeoutMs: 5_000 });
  expect(sizesIn(await describeDir(null, version), name)).toEqual([0, second]);
});

test('tells what is asked for, each partition once, and leaves out what is not there', async () => {
  const asked = [
    { topic: 'orders', partitions: [2, 9, 2, -1] },
    { topic: 'nowhere', partitions: [0] },
    { topic: 'events', partitions: [] },
    { topic: 'orders', partitions: [0, 2] },
  ];
  const { topics } = await describeDir(asked);
  expect(topics.map(({ name }) => name)).toEqual(['orders']);
  expect(topics[0]!.partitions.map((one) => one.partitionIndex)).toEqual([2, 0]);
  expect((await describeDir([])).topics).toEqual([]);
});

test('a deleted topic is gone', async () => {
  await createTopic('short-lived', 1);
  await client.send(DeleteTopics, 6, { topics: [{ name: 'short-lived' }], timeoutMs: 5_000 });
  expect(sizesIn(await describeDir(null), 'short-lived')).toBeUndefined();
});

test('thousands of partitions are told in one answer', async () => {
  await createTopic('wide', 2_500);
  const bytes = await append('wide', 2_499, 1);
  const sizes = sizesIn(await describeDir(null), 'wide')!;
  expect(sizes).toHaveLength(2_500);
  expect(sizes[2_499]).toBe(bytes);
  expect(sizes.slice(0, -1).every((size) => size === 0)).toBe(true);
});

test('the volume is as large as Redis may become', async () => {
  await askRedis(redis, `CONFIG SET maxmemory ${memoryMax}`);
  const { totalBytes, usableBytes } = await describeDir([]);
  expect(totalBytes).toBe(memoryMax);
  expect(usableBytes).toBeGreaterThan(0);
  expect(usableBytes).toBeLessThan(memoryMax);
  await askRedis(redis, 'CONFIG SET maxmemory 1mb');
  expect(await describeDir([])).toMatchObject({ totalBytes: 1024 * 1024, usableBytes: 0 });
  await askRedis(redis, 'CONFIG SET maxmemory 0');
});

test('the directory has an error while Redis is away', async () => {
  await redis.kill();
  const failed = { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, topics: [], totalBytes: -1 };
  await eventually(async () => (await describeDir(null)).errorCode !== ErrorCode.NONE);
  expect(await describeDir(null)).toMatchObject(failed);
  expect(await describeDir(null, 1)).toMatchObject(failed);
  await redis.restart();
  await eventually(async () => (await describeDir(null)).errorCode === ErrorCode.NONE);
});

test('the broker config log.dirs names the same directory, and is read-only', async () => {
  const { logDir } = await describeDir([]);
  const resource = { resourceType: brokerResource, resourceName: '1' };
  const asked = { ...resource, configurationKeys: ['log.dirs'] };
  const named = async () => {
    const request = { resources: [asked], includeSynonyms: true, includeDocumentation: true };
    const { results } = await client.send(DescribeConfigs, 4, request);
    return results[0]!.configs;
  };
  const before = await named();
  expect(before).toMatchObject([
    { name: 'log.dirs', value: logDir, readOnly: true, isSensitive: false },
  ]);
  expect(before[0]!.synonyms).toMatchObject([{ name: 'log.dirs', value: logDir }]);
  const change = { name: 'log.dirs', configOperation: 0, value: '/elsewhere' };
  const altered = await client.send(IncrementalAlterConfigs, 1, {
    resources: [{ ...resource, configs: [change] }],
    validateOnly: false,
  });
  expect(altered.responses[0]!.errorCode).not.toBe(ErrorCode.NONE);
  expect(await named()).toEqual(before);
});
