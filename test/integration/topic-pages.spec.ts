import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { RawClient } from '@sluice/test/support/raw-client';
import { sharedRedis } from '@sluice/test/support/redis';
import {
  CreateTopics,
  DeleteTopics,
  DescribeTopicPartitions,
  ErrorCode,
  noAuthorizedOperations,
  type RequestInput,
  zeroUuid,
} from '@sluice/wire';

type Request = RequestInput<typeof DescribeTopicPartitions>;

/** All that can be done with a topic: read, write, create, delete, alter, describe, its configs. */
const allOperations = 3_576;

let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  host = await startBroker({ brokerId: 7 });
  client = await RawClient.connect(host.port);
  // Not in the order of their names.
  const partitions = { gamma: 1, alpha: 3, beta: 2 };
  for (const [name, count] of Object.entries(partitions)) await createTopic(name, count);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await (await sharedRedis()).stop();
});

async function createTopic(name: string, numPartitions: number): Promise<void> {
  const topics = [{ name, numPartitions, replicationFactor: 1 }];
  const created = await client.send(CreateTopics, 7, { topics });
  expect(created.topics).toMatchObject([{ errorCode: 0 }]);
}

const describePage = (request: Partial<Request>) =>
  client.send(DescribeTopicPartitions, 0, { topics: [], ...request });

type Page = Awaited<ReturnType<typeof describePage>>;

const named = (...names: string[]) => names.map((name) => ({ name }));

/** `alpha/0` for each partition of an answer. */
const partitionsIn = ({ topics }: Page) =>
  topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex }) => `${name}/${partitionIndex}`),
  );

test('no topics means all, in the order of their names', async () => {
  const page = await describePage({});
  expect(partitionsIn(page)).toEqual(
    ['alpha/0', 'alpha/1', 'alpha/2', 'beta/0', 'beta/1', 'gamma/0'], //
  );
  expect(page.nextCursor).toBeNull();
  expect(page.topics[0]).toMatchObject({
    errorCode: 0,
    topicId: host.catalog.byName('alpha')!.id,
    isInternal: false,
    topicAuthorizedOperations: allOperations,
  });
  expect(page.topics[0]!.partitions[2]).toEqual({
    errorCode: 0,
    partitionIndex: 2,
    leaderId: 7,
    leaderEpoch: 0,
    replicaNodes: [7],
    isrNodes: [7],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: [],
  });
});

test('named topics are told once each, sorted, with those that are not there', async () => {
  const { topics } = await describePage({
    topics: named('gamma', 'nowhere', 'b!d', 'alpha', 'gamma', ''),
  });
  const { INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION, NONE } = ErrorCode;
  expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ['', INVALID_TOPIC_EXCEPTION],
    ['alpha', NONE],
    ['b!d', INVALID_TOPIC_EXCEPTION],
    ['gamma', NONE],
    ['nowhere', UNKNOWN_TOPIC_OR_PARTITION],
  ]);
  expect(topics[4]).toMatchObject({ topicId: zeroUuid, partitions: [] });
});

test.each([1, 2, 3, 4, 5, 6, 7])('pages of %i put together are the whole', async (limit) => {
  const whole = partitionsIn(await describePage({}));
  const seen: string[] = [];
  let cursor: Request['cursor'] = null;
  for (let pages = 0; ; pages++) {
    expect(pages).toBeLessThan(10);
    const page: Page = await describePage({ responsePartitionLimit: limit, cursor });
    const partitions = partitionsIn(page);
    expect(partitions.length).toBeLessThanOrEqual(limit);
    seen.push(...partitions);
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  expect(seen).toEqual(whole);
});

test.each([0, -1, -2_147_483_648])('a limit of %i is taken as 1', async (limit) => {
  const page = await describePage({ topics: named('beta'), responsePartitionLimit: limit });
  expect(partitionsIn(page)).toEqual(['beta/0']);
  expect(page.nextCursor).toEqual({ topicName: 'beta', partitionIndex: 1 });
});

test('one answer has at most 2,000 partitions, whatever the client asks', async () => {
  await createTopic('wide', 2_001);
  const request = { topics: named('wide', 'wider'), responsePartitionLimit: 2_147_483_647 };
  const page = await describePage(request);
  expect(partitionsIn(page)).toHaveLength(2_000);
  const cursor = { topicName: 'wide', partitionIndex: 2_000 };
  expect(page.nextCursor).toEqual(cursor);
  const last = await describePage({ ...request, cursor });
  expect(partitionsIn(last)).toEqual(['wide/2000']);
  expect(last.topics.map(({ name }) => name)).toEqual(['wide', 'wider']);
  expect(last.nextCursor).toBeNull();
  await client.send(DeleteTopics, 6, { topics: named('wide'), timeoutMs: 5_000 });
});

describe('a cursor', () => {
  test.each<[string, string[], number, string[]]>([
    ['beta', ['gamma', 'alpha', 'beta'], 1, ['beta/1', 'gamma/0']],
    // A topic that has fewer partitions now, or is gone, is passed over.
    ['beta', ['beta', 'gamma'], 9, ['gamma/0']],
    ['beta', [], 1, ['beta/1', 'gamma/0']],
    ['b', [], 7, ['beta/0', 'beta/1', 'gamma/0']],
    ['zeta', [], 0, []],
    ['nowhere', ['alpha', 'nowhere'], 0, []],
  ])('at %s among %j, partition %i, goes on there', async (topicName, names, from, expected) => {
    const cursor = { topicName, partitionIndex: from };
    const page = await describePage({ topics: named(...names), cursor });
    expect(partitionsIn(page)).toEqual(expected);
    expect(page.nextCursor).toBeNull();
  });

  test.each([
    { topicName: 'beta', partitionIndex: 0 },
    { topicName: 'alpha', partitionIndex: -1 },
  ])('that points to nothing of what is asked is refused: %j', async (cursor) => {
    const { topics, nextCursor } = await describePage({ topics: named('alpha', 'gamma'), cursor });
    const refused = {
      errorCode: ErrorCode.INVALID_REQUEST,
      partitions: [],
      topicAuthorizedOperations: noAuthorizedOperations,
    };
    expect(topics).toMatchObject([
      { name: 'alpha', ...refused },
      { name: 'gamma', ...refused },
    ]);
    expect(nextCursor).toBeNull();
  });
});
