import { RawClient } from '@sluice/test/support/raw-client';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { sharedRedis } from '@sluice/test/support/redis';
import {
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  ErrorCode,
  isUuid,
  Metadata,
  zeroUuid,
  type RequestInput,
} from '@sluice/wire';

type NewTopic = RequestInput<typeof CreateTopics>['topics'][number];

let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  host = await startBroker({ brokerId: 7, defaultPartitions: 3 });
  client = await RawClient.connect(host.port);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await (await sharedRedis()).stop();
});

/** One topic, with 1 partition unless told otherwise. */
const newTopic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  ...more,
});

async function create(topic: NewTopic, version = 7, validateOnly = false) {
  const { topics } = await client.send(CreateTopics, version, { topics: [topic], validateOnly });
  expect(topics).toHaveLength(1);
  return topics[0]!;
}

async function partitionsOf(name: string): Promise<number> {
  const request = { topics: [{ name }], allowAutoTopicCreation: false };
  const { topics } = await client.send(Metadata, 12, request);
  return topics[0]!.errorCode === ErrorCode.NONE ? topics[0]!.partitions.length : 0;
}

/** A topic of which the client says itself where its partitions are to be. */
const byHand = (assignments: NewTopic['assignments']) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments,
});

describe('CreateTopics', () => {
  test.each([2, 4, 5, 7])('v%i creates a topic', async (version) => {
    const name = `created-v${version}`;
    const configs = [{ name: 'retention.ms', value: ' 5000 ' }];
    const created = await create(newTopic(name, { numPartitions: 2, configs }), version);
    expect(created).toMatchObject({ name, errorCode: 0, errorMessage: null });
    expect(await partitionsOf(name)).toBe(2);
    if (version < 5) return;
    expect(created).toMatchObject({ numPartitions: 2, replicationFactor: 1 });
    const retention = created.configs!.find((config) => config.name === 'retention.ms');
    expect(retention).toMatchObject({ value: '5000', configSource: 1, readOnly: false });
    const cleanup = created.configs!.find((config) => config.name === 'cleanup.policy');
    expect(cleanup).toMatchObject({ value: 'delete', configSource: 5 });
    if (version < 7) return;
    expect(isUuid(created.topicId)).toBe(true);
    expect(created.topicId).not.toBe(zeroUuid);
    expect(host.catalog.byName(name)?.id).toBe(created.topicId);
  });

  test('takes the defaults for -1', async () => {
    const asked = newTopic('defaults', { numPartitions: -1, replicationFactor: -1 });
    expect(await create(asked)).toMatchObject({ errorCode: 0, numPartitions: 3 });
  });

  test('takes assignments by hand that put everything on this broker', async () => {
    const onUs = [1, 0].map((partitionIndex) => ({ partitionIndex, brokerIds: [7] }));
    const created = await create(newTopic('by-hand', byHand(onUs)));
    expect(created).toMatchObject({ errorCode: 0, numPartitions: 2 });
    const elsewhere = newTopic('elsewhere', byHand([{ partitionIndex: 0, brokerIds: [1] }]));
    expect((await create(elsewhere)).errorCode).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    const both = newTopic('both', { ...byHand(onUs), numPartitions: 2 });
    expect((await create(both)).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect(await partitionsOf('elsewhere')).toBe(0);
  });

  test.each<[string, Partial<NewTopic>, keyof typeof ErrorCode, string]>([
    ['ok?', {}, 'INVALID_TOPIC_EXCEPTION', 'letters'],
    ['', {}, 'INVALID_TOPIC_EXCEPTION', 'empty'],
    ['none', { numPartitions: 0 }, 'INVALID_PARTITIONS', 'at least 1'],
    ['less', { numPartitions: -2 }, 'INVALID_PARTITIONS', 'at least 1'],
    ['many', { numPartitions: 10_001 }, 'INVALID_PARTITIONS', '10000'],
    ['nowhere', { replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR', 'at least 1'],
    ['too.many', { replicationFactor: 3 }, 'INVALID_REPLICATION_FACTOR', 'is only 1 broker'],
    ['wrong', { configs: [{ name: 'no.such', value: '1' }] }, 'INVALID_CONFIG', 'no.such'],
    ['null', { configs: [{ name: 'retention.ms', value: null }] }, 'INVALID_CONFIG', 'a value'],
    [
      'twice',
      { configs: ['1', '2'].map((value) => ({ name: 'retention.ms', value })) },
      'INVALID_REQUEST',
      'more than once',
    ],
  ])('refuses %j %j as %s', async (name, more, error, message) => {
    const refused = await create(newTopic(name, more));
    expect(refused).toMatchObject({ errorCode: ErrorCode[error], topicId: zeroUuid });
    expect(refused.errorMessage).toContain(message);
  });

  test('refuses a name that is taken, or hard to tell from one', async () => {
    await create(newTopic('taken.name'));
    const again = await create(newTopic('taken.name', { replicationFactor: 0 }));
    expect(again.errorCode).toBe(ErrorCode.TOPIC_ALREADY_EXISTS);
    const collides = await create(newTopic('taken_name'), 2);
    expect(collides.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect(collides.errorMessage).toContain('taken.name');
  });

  test('answers each topic of a request, and names that appear twice once', async () => {
    const { topics } = await client.send(CreateTopics, 7, {
      topics: [newTopic('a'), newTopic('b'), newTopic('!'), newTopic('b')],
    });
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', ErrorCode.NONE],
      ['b', ErrorCode.INVALID_REQUEST],
      ['!', ErrorCode.INVALID_TOPIC_EXCEPTION],
    ]);
    expect(await partitionsOf('b')).toBe(0);
  });

  test('only checks when asked to', async () => {
    expect(await create(newTopic('checked'), 7, true)).toMatchObject({
      errorCode: 0,
      numPartitions: 1,
      topicId: zeroUuid,
    });
    expect(await partitionsOf('checked')).toBe(0);
  });
});

describe('DeleteTopics', () => {
  test.each([1, 5])('v%i deletes by name', async (version) => {
    const name = `deleted-v${version}`;
    await create(newTopic(name));
    const request = { topicNames: [name, 'never-there'], timeoutMs: 5_000 };
    const { responses } = await client.send(DeleteTopics, version, request);
    expect(responses).toMatchObject([
      { name, errorCode: 0 },
      { name: 'never-there', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    ]);
    expect(await partitionsOf(name)).toBe(0);
  });

  test('v6 deletes by name or by id, and tells both', async () => {
    const one = await create(newTopic('one'));
    const two = await create(newTopic('two'));
    const unknownId = 'AAAAAAAAAAAAAAAAAAAAAQ';
    const { responses } = await client.send(DeleteTopics, 6, {
      topics: [
        { name: 'one' },
        { name: null, topicId: two.topicId },
        { name: null, topicId: unknownId },
        { name: 'two', topicId: two.topicId },
        { name: null },
        { name: 'gone' },
        { name: 'gone' },
      ],
      timeoutMs: 0,
    });
    expect(responses).toMatchObject([
      { name: 'one', topicId: one.topicId, errorCode: 0, errorMessage: null },
      { name: 'two', topicId: two.topicId, errorCode: 0 },
      { name: null, topicId: unknownId, errorCode: ErrorCode.UNKNOWN_TOPIC_ID },
      { name: 'two', errorCode: ErrorCode.INVALID_REQUEST },
      { name: null, errorCode: ErrorCode.INVALID_REQUEST },
      { name: 'gone', errorCode: ErrorCode.INVALID_REQUEST },
    ]);
    const again = await create(newTopic('one'));
    expect(again.topicId).not.toBe(one.topicId);
  });
});

const grow = async (
  topics: RequestInput<typeof CreatePartitions>['topics'],
  { version = 3, validateOnly = false } = {},
) => {
  const request = { topics, timeoutMs: 5_000, validateOnly };
  return (await client.send(CreatePartitions, version, request)).results;
};

/** The replicas of a new partition. */
const on = (...brokerIds: number[]) => ({ brokerIds });

describe('CreatePartitions', () => {
  test.each([0, 3])('v%i makes a topic larger', async (version) => {
    const name = `grows-v${version}`;
    await create(newTopic(name));
    expect(await grow([{ name, count: 4 }], { version })).toMatchObject([{ name, errorCode: 0 }]);
    expect(await partitionsOf(name)).toBe(4);
  });

  test('answers every topic, with what is wrong', async () => {
    await create(newTopic('two-now', { numPartitions: 2 }));
    await create(newTopic('named-twice'));
    const cases = [
      ['nothing-there', 2, null],
      ['named-twice', 3, null],
      ['named-twice', 4, null],
      ['two-now', 2, null],
    ] as const;
    const topics = cases.map(([name, count, assignments]) => ({ name, count, assignments }));
    const results = await grow(topics);
    expect(results).toMatchObject([
      { name: 'nothing-there', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      { name: 'named-twice', errorCode: ErrorCode.INVALID_REQUEST },
      { name: 'two-now', errorCode: ErrorCode.INVALID_PARTITIONS },
    ]);
    expect(results[2]!.errorMessage).toContain('already has 2');
    const refused = ErrorCode.INVALID_REPLICA_ASSIGNMENT;
    const two = { name: 'two-now', count: 4 };
    expect(await grow([{ ...two, assignments: [on(7)] }])).toMatchObject([{ errorCode: refused }]);
    const elsewhere = [on(7), on(8)];
    expect(await grow([{ ...two, assignments: elsewhere }])).toMatchObject([
      { errorCode: refused },
    ]);
    expect(await partitionsOf('two-now')).toBe(2);
    const here = [on(7), on(7)];
    const [checked] = await grow([{ ...two, assignments: here }], { validateOnly: true });
    expect(checked).toMatchObject({ errorCode: 0, errorMessage: null });
    expect(await partitionsOf('two-now')).toBe(2);
    expect(await grow([{ ...two, assignments: here }])).toMatchObject([{ errorCode: 0 }]);
    expect(await partitionsOf('two-now')).toBe(4);
    const anywhere = { ...two, count: 5, assignments: [] };
    expect(await grow([anywhere])).toMatchObject([{ errorCode: 0 }]);
  });
});
