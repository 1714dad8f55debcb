import { askRedis } from '@sluice/test/support/ask-redis';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { RawClient } from '@sluice/test/support/raw-client';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import {
  CreatePartitions,
  CreateTopics,
  DeleteGroups,
  DeleteTopics,
  DescribeConfigs,
  errorInfo,
  ErrorCode,
  Heartbeat,
  IncrementalAlterConfigs,
  JoinGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
} from '@sluice/wire';

let redis: TestRedis;
let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  redis = await startRedis();
  host = await startBroker({ redis });
  client = await RawClient.connect(host.port);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await redis?.stop();
});

const topicsNamed = (...names: string[]) => ({
  topics: names.map((name) => ({ name, numPartitions: 1, replicationFactor: 1 })),
});
const offsetsOf = (name: string) => [
  { name, partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }] },
];
const alteration = (resourceName: string) => ({
  resources: [
    {
      resourceType: 2,
      resourceName,
      configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }],
    },
  ],
});

/** Every request that has to change or read something in Redis, and the errors that it gets. */
async function errorsOf(topic: string, fresh: string): Promise<Record<string, number>> {
  const groupId = `joins-${fresh}`;
  const partitions = [{ partitionIndex: 0 }];
  const join = {
    groupId,
    memberId: '',
    sessionTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  };
  const fetch = { groups: [{ groupId, topics: null }] };
  const [created, grown, altered, deleted, joined, committed, fetched, forgotten, gone, listed] =
    await Promise.all([
      client.send(CreateTopics, 7, topicsNamed(fresh)),
      client.send(CreatePartitions, 3, {
        topics: [{ name: topic, count: 2, assignments: null }],
        timeoutMs: 5_000,
      }),
      client.send(IncrementalAlterConfigs, 1, alteration(topic)),
      client.send(DeleteTopics, 6, { topics: [{ name: topic }], timeoutMs: 5_000 }),
      client.send(JoinGroup, 0, join),
      client.send(OffsetCommit, 9, { groupId: 'simple', topics: offsetsOf('stays') }),
      client.send(OffsetFetch, 9, fetch),
      client.send(OffsetDelete, 0, { groupId: 'simple', topics: [{ name: 'stays', partitions }] }),
      client.send(DeleteGroups, 2, { groupsNames: ['never-there'] }),
      client.send(ListGroups, 5, {}),
    ]);
  return {
    CreateTopics: created.topics[0]!.errorCode,
    CreatePartitions: grown.results[0]!.errorCode,
    IncrementalAlterConfigs: altered.responses[0]!.errorCode,
    DeleteTopics: deleted.responses[0]!.errorCode,
    JoinGroup: joined.errorCode,
    OffsetCommit: committed.topics[0]!.partitions[0]!.errorCode,
    OffsetFetch: fetched.groups[0]!.errorCode,
    OffsetDelete: forgotten.errorCode || forgotten.topics[0]!.partitions[0]!.errorCode,
    DeleteGroups: gone.results[0]!.errorCode,
    ListGroups: listed.errorCode,
  };
}

/**
 * Whether reads and writes of topics and of groups go through; changes nothing that is looked at.
 */
async function worksAgain(): Promise<boolean> {
  const [checked, committed, listed] = await Promise.all([
    client.send(CreateTopics, 7, { ...topicsNamed('checked'), validateOnly: true }),
    client.send(OffsetCommit, 9, { groupId: 'other', topics: offsetsOf('stays') }),
    client.send(ListGroups, 5, {}),
  ]);
  const commitCode = committed.topics[0]!.partitions[0]!.errorCode;
  const codes = [checked.topics[0]!.errorCode, commitCode, listed.errorCode];
  return codes.every((code) => code === ErrorCode.NONE);
}

test('without Redis every answer is a retriable error, and later all works again', async () => {
  await client.send(CreateTopics, 7, topicsNamed('stays', 'going'));
  await client.send(OffsetCommit, 9, { groupId: 'simple', topics: offsetsOf('stays') });
  await redis.kill();
  const errors = await errorsOf('going', 'fresh');
  for (const [name, code] of Object.entries(errors)) {
    expect({ name, code, retriable: errorInfo(code).retriable }).toMatchObject({ retriable: true });
  }
  const { topics } = await client.send(CreateTopics, 2, topicsNamed('fresh'));
  expect(topics[0]!.errorMessage).toContain('Nothing was changed');

  // What is known is still told, and a beat of nobody is refused in some way that ends.
  const { results } = await client.send(DescribeConfigs, 4, {
    resources: [{ resourceType: 2, resourceName: 'stays', configurationKeys: null }],
  });
  expect(results).toMatchObject([{ errorCode: 0 }]);
  const nobody = { groupId: 'others', memberId: 'nobody', generationId: 1 };
  const beat = await client.send(Heartbeat, 4, nobody);
  expect(errorInfo(beat.errorCode).retriable).toBe(true);

  await redis.restart();
  while (!(await worksAgain()));
  expect(await errorsOf('going', 'fresh')).toEqual({
    CreateTopics: 0,
    CreatePartitions: 0,
    IncrementalAlterConfigs: 0,
    DeleteTopics: 0,
    JoinGroup: 0,
    OffsetCommit: 0,
    OffsetFetch: 0,
    OffsetDelete: 0,
    DeleteGroups: ErrorCode.GROUP_ID_NOT_FOUND,
    ListGroups: 0,
  });
});

test('while Redis is full topics stay as they are; commits, deletes and reads go on', async () => {
  await client.send(CreateTopics, 7, topicsNamed('full'));
  await askRedis(host.redis, 'CONFIG SET maxmemory 1');
  const errors = await errorsOf('full', 'more');
  await askRedis(host.redis, 'CONFIG SET maxmemory 0');
  const refused = ['CreateTopics', 'CreatePartitions', 'IncrementalAlterConfigs'];
  for (const name of refused) {
    const code = errors[name]!;
    expect({ name, code, retriable: errorInfo(code).retriable }).toMatchObject({ retriable: true });
  }
  expect(errors).toMatchObject({ DeleteTopics: 0, OffsetCommit: 0, OffsetFetch: 0, ListGroups: 0 });
});
