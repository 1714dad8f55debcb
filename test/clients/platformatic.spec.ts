import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { scriptMember } from '@sluice/test/support/member';
import {
  clientOptions,
  murmur2Partitioner,
  Reader,
  readWithPlatformatic,
} from '@sluice/test/support/platformatic';
import { asText, inOrder, utf8, type SeenRecord } from '@sluice/test/support/seen-record';
import { storedCompressions } from '@sluice/test/support/stored';
import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  IncrementalAlterConfigOperationTypes,
  ListOffsetTimestamps,
  Producer,
  type MessageToProduce,
  type ProducerOptions,
} from '@platformatic/kafka';
import { groupStories, storyGroupLimits } from './group-stories';

let broker: TestBroker;
let admin: Admin;
let producer: Producer;
const open: { close(): Promise<void> }[] = [];
let topicNumber = 0;

beforeAll(async () => {
  broker = await startBroker({ groupLimits: storyGroupLimits, defaultPartitions: 2 });
  admin = new Admin(clientOptions(broker.port));
  producer = producerOf();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
});

afterAll(async () => {
  await producer?.close();
  await admin?.close();
  await broker?.stop();
  await broker?.redis.stop();
});

function producerOf(options: Partial<ProducerOptions<Buffer, Buffer, Buffer, Buffer>> = {}) {
  return new Producer({
    ...clientOptions(broker.port),
    partitioner: murmur2Partitioner,
    ...options,
  });
}

async function newTopic(partitions = 1): Promise<string> {
  const topic = `topic-${topicNumber++}`;
  await admin.createTopics({ topics: [{ topic, partitions, replicas: 1 }] });
  return topic;
}

type ReadOptions = Omit<Parameters<typeof Reader.start>[2], 'topics'>;

async function startReader(groupId: string, topic: string, options: ReadOptions): Promise<Reader> {
  const reader = await Reader.start(broker.port, groupId, { topics: [topic], ...options });
  open.push(reader);
  return reader;
}

async function closeReader(reader: Reader): Promise<void> {
  open.splice(open.indexOf(reader), 1);
  await reader.close();
}

/** A consumer that asks, and reads nothing. */
function asking(groupId: string): Consumer {
  const consumer = new Consumer({ ...clientOptions(broker.port), groupId });
  open.push(consumer);
  return consumer;
}

const baseTimestampMs = 1_700_000_000_000;

/** Writes `count` records to partition 0, a second apart. */
async function write(topic: string, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, at) => ({
    topic,
    partition: 0,
    value: Buffer.from(`value ${at}`),
    timestamp: BigInt(baseTimestampMs + at * 1_000),
  }));
  await producer.send({ messages });
}

const values = (records: readonly SeenRecord[]) => records.map(({ value }) => value);
const numbers = (count: number) => Array.from({ length: count }, (_, at) => String(at));
const valuesFrom = (from: number, to: number) =>
  numbers(to)
    .slice(from)
    .map((number) => `value ${number}`);

function create(topic: string, configs: { name: string; value: string }[] = []) {
  return failure(admin.createTopics({ topics: [{ topic, partitions: 1, replicas: 1 }], configs }));
}

describe('topics', () => {
  it('are created with partitions and configs, described, made larger, deleted', async () => {
    const topic = 'made-by-platformatic';
    const configs = [{ name: 'max.message.bytes', value: '2000' }];
    const made = { topics: [{ topic, partitions: 3, replicas: 1 }], configs };
    const [created] = await admin.createTopics(made);
    expect(created).toMatchObject({ name: topic, partitions: 3, replicas: 1 });
    expect(created!.configuration['max.message.bytes']).toBe('2000');
    expect(await failure(admin.createTopics(made))).toContain('TOPIC_ALREADY_EXISTS');
    expect(await admin.listTopics()).toContain(topic);
    await admin.createPartitions({ topics: [{ name: topic, count: 5 }] });
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
    expect(topics.get(topic)).toMatchObject({ id: created!.id, partitionsCount: 5 });
    expect(topics.get(topic)!.partitions[4]).toMatchObject({ leader: 1, replicas: [1], isr: [1] });
    await admin.deleteTopics({ topics: [topic] });
    expect(await admin.listTopics()).not.toContain(topic);
  });

  it('are refused with a reason', async () => {
    expect(await create('a/b')).toContain('INVALID_TOPIC_EXCEPTION');
    expect(await create('a', [{ name: 'no.such', value: '1' }])).toContain('INVALID_CONFIG');
  });

  it('are made by the first record where client and broker allow it', async () => {
    const topic = 'made-by-a-record';
    const creating = producerOf({ autocreateTopics: true });
    open.push(creating);
    await creating.send({ messages: [{ topic, partition: 0, value: Buffer.from('first') }] });
    expect(values(await readWithPlatformatic(broker.port, topic, 1))).toEqual(['first']);
  });
});

/** The names of the protocol errors in what a call is refused with. */
async function failure(call: Promise<unknown>): Promise<string[]> {
  const names = (error: unknown): string[] => {
    const { apiId, errors = [] } = error as { apiId?: string; errors?: unknown[] };
    const { cause } = error as Error;
    const own = apiId === undefined ? [] : [apiId];
    return [...own, ...errors.flatMap(names), ...(cause === undefined ? [] : names(cause))];
  };
  return call.then(() => ['no error'], names);
}

async function describeTopic(resourceName: string): Promise<Map<string, unknown>> {
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName };
  const [described] = await admin.describeConfigs({ resources: [resource] });
  return new Map(described!.configs.map(({ name, value }) => [name, value]));
}

describe('configs', () => {
  const { SET, DELETE, APPEND, SUBTRACT } = IncrementalAlterConfigOperationTypes;

  it('are described, with documentation, and altered', async () => {
    const topic = await newTopic();
    const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic };
    const [described] = await admin.describeConfigs({
      resources: [{ ...resource, configurationKeys: ['retention.ms'] }],
      includeSynonyms: true,
      includeDocumentation: true,
    });
    expect(described!.configs).toMatchObject([{ name: 'retention.ms', value: '604800000' }]);
    expect(described!.configs[0]!.documentation).toMatch(/\w+/);
    const configs = [{ name: 'max.message.bytes', value: '500' }];
    await admin.alterConfigs({ resources: [{ ...resource, configs }] });
    expect((await describeTopic(topic)).get('max.message.bytes')).toBe('500');
    const value = Buffer.alloc(600);
    const tooLarge = producer.send({ messages: [{ topic, partition: 0, value }] });
    expect(await failure(tooLarge)).toContain('MESSAGE_TOO_LARGE');
  });

  it('are altered one by one', async () => {
    const topic = await newTopic();
    const alter = (name: string, configOperation: typeof SET, value: string) =>
      admin.incrementalAlterConfigs({
        resources: [
          {
            resourceType: ConfigResourceTypes.TOPIC,
            resourceName: topic,
            configs: [{ name, configOperation, value }],
          },
        ],
      });
    await alter('retention.ms', SET, '1000');
    await alter('cleanup.policy', APPEND as typeof SET, 'compact');
    expect((await describeTopic(topic)).get('retention.ms')).toBe('1000');
    expect((await describeTopic(topic)).get('cleanup.policy')).toBe('delete,compact');
    await alter('cleanup.policy', SUBTRACT as typeof SET, 'delete');
    await alter('retention.ms', DELETE as unknown as typeof SET, '');
    expect((await describeTopic(topic)).get('cleanup.policy')).toBe('compact');
    expect((await describeTopic(topic)).get('retention.ms')).toBe('604800000');
  });
});

describe('the cluster', () => {
  it('is described', async () => {
    const { id, brokers, controllerId } = await admin.metadata({ topics: [] });
    expect({ id, controllerId }).toEqual({ id: broker.clusterId, controllerId: 1 });
    expect([...brokers.values()]).toMatchObject([{ host: '127.0.0.1', port: broker.port }]);
  });
});

const bytes = (text: string) => Buffer.from(text);

/** Everything that a record of this client can be: it has no null header values. */
const variety: Omit<MessageToProduce, 'topic'>[] = [
  { key: bytes('key'), value: bytes('value'), headers: headersOf({ name: 'text', empty: '' }) },
  { key: bytes('schlüssel ✓'), value: bytes('wert 🜲'), headers: headersOf({ 'grüße ✓': 'ja' }) },
  { value: bytes('no key') },
  { key: bytes('tombstone'), value: null as unknown as Buffer },
  { key: bytes(''), value: bytes('') },
  { key: Buffer.from([0, 255, 10, 128]), value: Buffer.from([0, 1, 2, 253, 254, 255]) },
  { key: bytes('large'), value: Buffer.alloc(20_000, 'x') },
];

function headersOf(headers: Record<string, string>): Map<Buffer, Buffer> {
  return new Map(Object.entries(headers).map(([name, text]) => [bytes(name), bytes(text)]));
}

const seenVariety: SeenRecord[] = variety.map(({ key, value, headers }, offset) => ({
  partition: 0,
  offset,
  timestampMs: baseTimestampMs + offset,
  key: asText(key),
  value: asText(value),
  headers: [...((headers as Map<Buffer, Buffer>) ?? [])].map(([name, text]) => [
    utf8(String(name)),
    asText(text),
  ]),
}));

describe('records', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'of every kind come back as they went in, with compression %s',
    async (compression) => {
      const topic = await newTopic();
      const messages = variety.map((message, at) => ({
        ...message,
        topic,
        partition: 0,
        timestamp: BigInt(baseTimestampMs + at),
      }));
      await producer.send({ compression, messages });
      const seen = await readWithPlatformatic(broker.port, topic, variety.length);
      expect(seen).toEqual(seenVariety);
      expect(await storedCompressions(broker, topic)).toEqual(new Set([compression]));
    },
  );

  it('are written with acks 0, 1 and all', async () => {
    const topic = await newTopic();
    const send = (acks: number) =>
      producer.send({
        acks,
        messages: [{ topic, partition: 0, value: Buffer.from(`acks ${acks}`) }],
      });
    await send(0);
    expect((await send(1)).offsets).toEqual([{ topic, partition: 0, offset: 1n }]);
    expect((await send(-1)).offsets).toEqual([{ topic, partition: 0, offset: 2n }]);
    expect(values(await readWithPlatformatic(broker.port, topic, 3))).toEqual([
      'acks 0',
      'acks 1',
      'acks -1',
    ]);
  });

  it('of an idempotent producer are written once and in order', async () => {
    const topic = await newTopic(2);
    const idempotent = producerOf({ idempotent: true });
    open.push(idempotent);
    for (const number of numbers(40)) {
      const value = Buffer.from(number);
      await idempotent.send({
        acks: -1,
        messages: [0, 1].map((partition) => ({ topic, partition, value })),
      });
    }
    const seen = inOrder(await readWithPlatformatic(broker.port, topic, 80));
    expect(values(seen)).toEqual([...numbers(40), ...numbers(40)]);
  });

  it('of one key keep their order under concurrent producers, in one partition', async () => {
    const topic = await newTopic(4);
    const run = async (name: number) => {
      const writer = producerOf();
      open.push(writer);
      for (const number of numbers(30)) {
        const messages = [0, 1, 2].map((key) => ({
          topic,
          key: Buffer.from(`${name}/${key}`),
          value: Buffer.from(number),
        }));
        await writer.send({ messages });
      }
    };
    await Promise.all([0, 1, 2].map(run));
    const seen = inOrder(await readWithPlatformatic(broker.port, topic, 270));
    const keys = new Set(seen.map(({ key }) => key));
    expect(keys.size).toBe(9);
    for (const key of keys) {
      const own = seen.filter((record) => record.key === key);
      expect(values(own)).toEqual(numbers(30));
      expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
    }
  });
});

describe('reading', () => {
  it('begins at the end, and gets what comes then', async () => {
    const topic = await newTopic();
    await write(topic, 5);
    const reader = await startReader('from-the-end', topic, { mode: 'latest' });
    await eventually(() => reader.stream.offsetsToFetch.size > 0);
    await producer.send({ messages: [{ topic, partition: 0, value: Buffer.from('later') }] });
    await eventually(() => reader.seen.length > 0);
    expect(reader.seen).toMatchObject([{ offset: 5, value: 'later' }]);
  });

  it('begins at an offset, inside a batch too', async () => {
    const topic = await newTopic();
    await write(topic, 10);
    const offsets = [{ topic, partition: 0, offset: 7n }];
    const reader = await startReader('from-an-offset', topic, { mode: 'manual', offsets });
    await eventually(() => reader.seen.length >= 3);
    expect(values(reader.seen)).toEqual(valuesFrom(7, 10));
  });

  it('begins at a time', async () => {
    const topic = await newTopic();
    await write(topic, 10);
    const at = async (timestampMs: number) => {
      const timestamp = BigInt(timestampMs);
      const partitions = [{ partitionIndex: 0, timestamp }];
      const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions }] });
      return listed!.partitions[0]!;
    };
    const offset = async (afterMs: number) => (await at(baseTimestampMs + afterMs)).offset;
    expect([await offset(3_000), await offset(3_001)]).toEqual([3n, 4n]);
    expect([await offset(-1), await offset(9_001)]).toEqual([0n, -1n]);
    const { EARLIEST, LATEST, MAX } = ListOffsetTimestamps;
    expect((await at(Number(EARLIEST))).offset).toBe(0n);
    expect((await at(Number(LATEST))).offset).toBe(10n);
    expect(await at(Number(MAX))).toMatchObject({
      offset: 9n,
      timestamp: BigInt(baseTimestampMs + 9_000),
    });
    const offsets = [{ topic, partition: 0, offset: await offset(5_500) }];
    const reader = await startReader('from-a-time', topic, { mode: 'manual', offsets });
    await eventually(() => reader.seen.length >= 4);
    expect(values(reader.seen)).toEqual(valuesFrom(6, 10));
  });

  it('goes on where it was committed', async () => {
    const topic = await newTopic();
    await write(topic, 10);
    const committing = { mode: 'committed', fallbackMode: 'earliest', autocommit: false } as const;
    const first = await startReader('commits', topic, committing);
    await eventually(() => first.messages.length >= 10);
    await first.messages[4]!.commit();
    await closeReader(first);
    const committed = await asking('commits').listCommittedOffsets({
      topics: [{ topic, partitions: [0] }],
    });
    expect(committed.get(topic)).toEqual([5n]);
    const second = await startReader('commits', topic, committing);
    await eventually(() => second.seen.length >= 5);
    expect(values(second.seen)).toEqual(valuesFrom(5, 10));
  });

  it('knows how far it is behind', async () => {
    const topic = await newTopic();
    await write(topic, 10);
    const reader = await startReader('lag', topic, { mode: 'earliest', autocommit: false });
    await eventually(() => reader.messages.length >= 10);
    await reader.messages[6]!.commit();
    expect((await reader.consumer.getLag({ topics: [topic] })).get(topic)).toEqual([3n]);
  });
});

describe('groups', () => {
  groupStories({
    broker: () => broker,
    startMember: (options) => scriptMember('platformatic', options),
  });

  it('are listed, described and deleted', async () => {
    const topic = await newTopic();
    const groupId = 'administered';
    const reader = await startReader(groupId, topic, { mode: 'earliest' });
    const described = await admin.describeGroups({ groups: [groupId] });
    const group = described.get(groupId)!;
    expect(group).toMatchObject({ state: 'Stable', protocolType: 'consumer' });
    const [member] = [...group.members.values()];
    expect(member).toMatchObject({ id: reader.consumer.memberId, clientId: 'platformatic-test' });
    expect(member!.assignments?.get(topic)).toEqual({ topic, partitions: [0] });
    const listed = await admin.listGroups({ types: ['classic'] });
    expect(listed.get(groupId)).toMatchObject({ state: 'Stable', groupType: 'classic' });
    expect((await admin.listGroups({ states: ['Empty'] })).has(groupId)).toBe(false);
    expect(await failure(admin.deleteGroups({ groups: [groupId] }))).toContain('NON_EMPTY_GROUP');
    await closeReader(reader);
    await admin.deleteGroups({ groups: [groupId] });
    expect((await admin.listGroups()).has(groupId)).toBe(false);
  });

  it('have members removed', async () => {
    const topic = await newTopic();
    const groupId = 'removed';
    const reader = await startReader(groupId, topic, { mode: 'earliest' });
    const memberId = reader.consumer.memberId!;
    await admin.removeMembersFromConsumerGroup({ groupId, members: [{ memberId }] });
    await eventually(() => reader.consumer.memberId !== memberId);
    const again = await eventually(async () => {
      const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId)!;
      return group.state === 'Stable' && group;
    });
    expect([...again.members.keys()]).not.toContain(memberId);
  });

  it('have their offsets listed, set and deleted', async () => {
    const topic = await newTopic(2);
    await write(topic, 10);
    const groupId = 'offsets';
    const partitionOffsets = [
      { partition: 0, offset: 4n },
      { partition: 1, offset: 0n },
    ];
    await admin.alterConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionOffsets }] });
    const [listed] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
    expect(listed!.topics).toMatchObject([
      {
        name: topic,
        partitions: [
          { partitionIndex: 0, committedOffset: 4n },
          { partitionIndex: 1, committedOffset: 0n },
        ],
      },
    ]);
    const reader = await startReader(groupId, topic, { mode: 'committed' });
    await eventually(() => reader.seen.length >= 6);
    expect(values(reader.seen)).toEqual(valuesFrom(4, 10));
    await closeReader(reader);
    const topics = [{ name: topic, partitionIndexes: [0] }];
    await admin.deleteConsumerGroupOffsets({ groupId, topics });
    const [left] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
    expect(left!.topics.flatMap(({ partitions }) => partitions)).toMatchObject([
      { partitionIndex: 1 },
    ]);
  });
});

describe('deleted records', () => {
  it('are gone, and readers begin after them', async () => {
    const topic = await newTopic();
    await write(topic, 10);
    const deleteBefore = (offset: bigint) =>
      admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset }] }] });
    const [deleted] = await deleteBefore(6n);
    expect(deleted!.partitions).toEqual([{ partition: 0, lowWatermark: 6n }]);
    const seen = await readWithPlatformatic(broker.port, topic, 4);
    expect(values(seen)).toEqual(valuesFrom(6, 10));
    expect(await failure(deleteBefore(11n))).toContain('OFFSET_OUT_OF_RANGE');
  });
});
