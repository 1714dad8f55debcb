import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import {
  collect,
  kafkaAt,
  plugInCodecs,
  producerOf,
  quickConsumer,
  readWithKafkajs,
} from '@sluice/test/support/kafkajs';
import { scriptMember } from '@sluice/test/support/member';
import { asText, inOrder, utf8, type SeenRecord } from '@sluice/test/support/seen-record';
import { storedCompressions } from '@sluice/test/support/stored';
import {
  CompressionTypes,
  ConfigResourceTypes,
  type Admin,
  type Consumer,
  type Kafka,
  type Producer,
} from 'kafkajs';
import { groupStories, storyGroupLimits } from './group-stories';

let broker: TestBroker;
let kafka: Kafka;
let admin: Admin;
let producer: Producer;
const consumers: Consumer[] = [];
let topicNumber = 0;

beforeAll(async () => {
  plugInCodecs();
  broker = await startBroker({ groupLimits: storyGroupLimits });
  kafka = kafkaAt(broker.port);
  admin = kafka.admin();
  await admin.connect();
  producer = await producerOf(kafka);
});

afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.disconnect()));
});

afterAll(async () => {
  await producer?.disconnect();
  await admin?.disconnect();
  await broker?.stop();
  await broker?.redis.stop();
});

async function newTopic(numPartitions = 1): Promise<string> {
  const topic = `topic-${topicNumber++}`;
  await admin.createTopics({ topics: [{ topic, numPartitions }] });
  return topic;
}

async function consumerOf(groupId: string, topic: string, fromBeginning = true) {
  const consumer = kafka.consumer({ groupId, ...quickConsumer });
  consumers.push(consumer);
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning });
  return consumer;
}

/** Writes `count` records to partition 0, a second apart from `firstMs` on. */
async function write(topic: string, count: number, firstMs = 1_700_000_000_000): Promise<void> {
  const messages = Array.from({ length: count }, (_, at) => ({
    partition: 0,
    value: `value ${at}`,
    timestamp: String(firstMs + at * 1_000),
  }));
  await producer.send({ topic, messages });
}

const values = (records: readonly SeenRecord[]) => records.map(({ value }) => value);

const create = (topic: { topic: string } & Record<string, unknown>) =>
  admin.createTopics({ topics: [topic], validateOnly: true });

describe('topics', () => {
  it('are created with partitions and configs, described, made larger, deleted', async () => {
    const topic = 'made-by-kafkajs';
    const configEntries = [{ name: 'max.message.bytes', value: '2000' }];
    const made = { topic, numPartitions: 3, replicationFactor: 1, configEntries };
    expect(await admin.createTopics({ topics: [made] })).toBe(true);
    expect(await admin.createTopics({ topics: [made] })).toBe(false);
    expect(await admin.listTopics()).toContain(topic);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]?.partitions.map(({ partitionId }) => partitionId).sort()).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(topics[0]?.partitions[0]).toMatchObject({ leader: 1, replicas: [1], isr: [1] });
    const [config] = await describeConfigs(topic, ['max.message.bytes']);
    expect(config).toMatchObject({ configValue: '2000', isDefault: false, configSource: 1 });
    await admin.deleteTopics({ topics: [topic] });
    expect(await admin.listTopics()).not.toContain(topic);
  });

  it('are refused with a reason', async () => {
    await expect(create({ topic: 'a/b' })).rejects.toMatchObject({
      errors: [{ type: 'INVALID_TOPIC_EXCEPTION' }],
    });
    const configEntries = [{ name: 'no.such.config', value: '1' }];
    await expect(create({ topic: 'a', configEntries })).rejects.toMatchObject({
      errors: [{ type: 'INVALID_CONFIG' }],
    });
    await expect(create({ topic: 'a', replicationFactor: 0 })).rejects.toMatchObject({
      errors: [{ type: 'INVALID_REPLICATION_FACTOR' }],
    });
    // kafkajs takes this for an error that passes, so it must not retry.
    const hasty = kafkaAt(broker.port, { retry: { retries: 0 } }).admin();
    await hasty.connect();
    const deleting = hasty.deleteTopics({ topics: ['never-made'] });
    await expect(deleting).rejects.toThrow('does not host this topic-partition');
    await hasty.disconnect();
  });

  it('are made by the first record where the broker allows it', async () => {
    const topic = 'made-by-a-record';
    await producer.send({ topic, messages: [{ value: 'first' }] });
    expect(values(await readWithKafkajs(kafka, topic, 1))).toEqual(['first']);
  });
});

async function describeConfigs(topic: string, configNames?: string[]) {
  const type = ConfigResourceTypes.TOPIC;
  const { resources } = await admin.describeConfigs({
    includeSynonyms: true,
    resources: [{ type, name: topic, configNames }],
  });
  return resources[0]!.configEntries;
}

describe('configs', () => {
  it('are described, with defaults, and altered', async () => {
    const topic = await newTopic();
    const all = await describeConfigs(topic);
    expect(all.length).toBeGreaterThan(20);
    expect(all.find(({ configName }) => configName === 'retention.ms')).toMatchObject({
      configValue: '604800000',
      isDefault: true,
    });
    const configEntries = [{ name: 'max.message.bytes', value: '500' }];
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries };
    await admin.alterConfigs({ validateOnly: false, resources: [resource] });
    const [config] = await describeConfigs(topic, ['max.message.bytes']);
    expect(config).toMatchObject({ configValue: '500', isDefault: false });
    const tooLarge = producer.send({ topic, messages: [{ value: 'x'.repeat(600) }] });
    await expect(tooLarge).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' });
  });

  it('of the broker are described', async () => {
    const resource = { type: ConfigResourceTypes.BROKER, name: '1' };
    const described = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [resource],
    });
    expect(described.resources[0]).toMatchObject({ errorCode: 0, resourceName: '1' });
  });
});

describe('the cluster', () => {
  it('is described', async () => {
    const { brokers, controller, clusterId } = await admin.describeCluster();
    expect(brokers).toEqual([{ nodeId: 1, host: '127.0.0.1', port: broker.port }]);
    expect({ controller, clusterId }).toEqual({ controller: 1, clusterId: broker.clusterId });
  });
});

/** Everything that a record can be. */
const variety = [
  { key: 'key', value: 'value', headers: { name: 'text', empty: '' } },
  { key: 'schlüssel ✓', value: 'wert 🜲', headers: { 'grüße ✓': 'ja ✓' } },
  { key: null, value: 'no key' },
  { key: 'tombstone', value: null },
  { key: null, value: null },
  { key: '', value: '' },
  { key: Buffer.from([0, 255, 10, 128]), value: Buffer.from([0, 1, 2, 253, 254, 255]) },
  { key: 'many', value: 'x'.repeat(20_000), headers: { twice: ['1', '2'] } },
].map((record, at) => ({ partition: 0, timestamp: String(1_700_000_000_000 + at), ...record }));

const seenVariety: SeenRecord[] = variety.map(({ key, value, headers, timestamp }, offset) => ({
  partition: 0,
  offset,
  timestampMs: Number(timestamp),
  key: typeof key === 'string' ? utf8(key) : asText(key),
  value: typeof value === 'string' ? utf8(value) : asText(value),
  headers: Object.entries(headers ?? {}).flatMap(([name, given]) =>
    [given].flat().map((text): [string, string] => [utf8(name), utf8(text)]),
  ),
}));

describe('records', () => {
  const { None, GZIP, Snappy, LZ4, ZSTD } = CompressionTypes;
  it.each(Object.entries({ None, GZIP, Snappy, LZ4, ZSTD }))(
    'of every kind come back as they went in, with compression %s',
    async (name, compression) => {
      const topic = await newTopic();
      await producer.send({ topic, compression, messages: variety });
      expect(await readWithKafkajs(kafka, topic, variety.length)).toEqual(seenVariety);
      expect(await storedCompressions(broker, topic)).toEqual(new Set([name.toLowerCase()]));
    },
  );

  it('are written with acks 0, 1 and all', async () => {
    const topic = await newTopic();
    const send = async (acks: number) => {
      const [reply] = await producer.send({ topic, acks, messages: [{ value: `acks ${acks}` }] });
      return reply?.baseOffset;
    };
    expect([await send(0), await send(1), await send(-1)]).toEqual([undefined, '1', '2']);
    expect(values(await readWithKafkajs(kafka, topic, 3))).toEqual(['acks 0', 'acks 1', 'acks -1']);
  });

  it('of many topics and partitions go in one request', async () => {
    const topics = [await newTopic(3), await newTopic(2)];
    const messages = Array.from({ length: 60 }, (_, at) => ({ key: `${at}`, value: `${at}` }));
    await producer.sendBatch({ topicMessages: topics.map((topic) => ({ topic, messages })) });
    for (const topic of topics) {
      const seen = await readWithKafkajs(kafka, topic, 60);
      expect(
        values(seen)
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: 60 }, (_, at) => at));
    }
  });

  it('of an idempotent producer are written once and in order', async () => {
    const topic = await newTopic(2);
    const idempotent = await producerOf(kafka, { idempotent: true, maxInFlightRequests: 1 });
    for (let at = 0; at < 40; at++) {
      const messages = [0, 1].map((partition) => ({ partition, value: String(at) }));
      await idempotent.send({ topic, acks: -1, messages });
    }
    await idempotent.disconnect();
    const seen = inOrder(await readWithKafkajs(kafka, topic, 80));
    const expected = Array.from({ length: 40 }, (_, at) => String(at));
    expect(values(seen)).toEqual([...expected, ...expected]);
  });

  it('of one key keep their order under concurrent producers, in one partition', async () => {
    const topic = await newTopic(4);
    const writers = await Promise.all([0, 1, 2].map(() => producerOf(kafka)));
    const run = async (writer: Producer, name: number) => {
      for (let at = 0; at < 30; at++) {
        const messages = [0, 1, 2].map((key) => ({ key: `${name}/${key}`, value: String(at) }));
        await writer.send({ topic, messages });
      }
      await writer.disconnect();
    };
    await Promise.all(writers.map(run));
    const seen = inOrder(await readWithKafkajs(kafka, topic, 270));
    const keys = new Set(seen.map(({ key }) => key));
    expect(keys.size).toBe(9);
    for (const key of keys) {
      const own = seen.filter((record) => record.key === key);
      expect(values(own)).toEqual(Array.from({ length: 30 }, (_, at) => String(at)));
      expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
    }
  });
});

describe('reading', () => {
  it('begins at the end, and gets what comes then', async () => {
    const topic = await newTopic();
    await write(topic, 5);
    const seen = await collect(await consumerOf('from-the-end', topic, false));
    // kafkajs does not say when it has found the end.
    await eventually(async () => {
      await producer.send({ topic, messages: [{ value: 'later' }] });
      return seen.length > 0;
    });
    expect(seen[0]?.offset).toBeGreaterThanOrEqual(5);
    expect(new Set(values(seen))).toEqual(new Set(['later']));
  });

  it('begins at an offset, inside a batch too', async () => {
    const topic = await newTopic();
    await write(topic, 10);
    const consumer = await consumerOf('from-an-offset', topic);
    const seen = await collect(consumer);
    consumer.seek({ topic, partition: 0, offset: '7' });
    await eventually(() => seen.some(({ offset }) => offset === 9));
    const from = seen.findIndex(({ offset }) => offset === 7);
    expect(values(seen.slice(from))).toEqual(['value 7', 'value 8', 'value 9']);
  });

  it('begins at a time', async () => {
    const topic = await newTopic();
    await write(topic, 10, 1_700_000_000_000);
    const at = (timestampMs: number) => admin.fetchTopicOffsetsByTimestamp(topic, timestampMs);
    expect(await at(1_700_000_003_000)).toEqual([{ partition: 0, offset: '3' }]);
    expect(await at(1_700_000_003_001)).toEqual([{ partition: 0, offset: '4' }]);
    expect(await at(1_600_000_000_000)).toEqual([{ partition: 0, offset: '0' }]);
    // Past the last record kafkajs asks for the end.
    expect(await at(1_700_000_009_001)).toEqual([{ partition: 0, offset: '10' }]);
  });

  it('goes on where it was committed', async () => {
    const topic = await newTopic();
    await write(topic, 10);
    const groupId = 'commits';
    const first = await consumerOf(groupId, topic);
    await first.run({
      autoCommit: false,
      eachMessage: async ({ partition, message: { offset } }) => {
        if (offset !== '4') return;
        await first.commitOffsets([{ topic, partition, offset: '5', metadata: 'half way' }]);
      },
    });
    await eventually(async () => (await committed(groupId, topic)).offset === '5');
    expect(await committed(groupId, topic)).toMatchObject({ offset: '5', metadata: 'half way' });
    await first.disconnect();
    const seen = await collect(await consumerOf(groupId, topic));
    await eventually(() => seen.length >= 5);
    expect(values(seen)).toEqual([5, 6, 7, 8, 9].map((at) => `value ${at}`));
  });
});

async function committed(groupId: string, topic: string) {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return offsets!.partitions[0]!;
}

describe('groups', () => {
  groupStories({
    broker: () => broker,
    startMember: (options) => scriptMember('kafkajs', options),
  });

  it('are listed, described and deleted', async () => {
    const topic = await newTopic();
    const groupId = 'administered';
    const consumer = await consumerOf(groupId, topic);
    await collect(consumer);
    const { groups } = await eventually(async () => {
      const described = await admin.describeGroups([groupId]);
      return described.groups[0]?.state === 'Stable' && described;
    });
    const protocol = { protocol: 'RoundRobinAssigner', protocolType: 'consumer' };
    expect(groups).toMatchObject([
      { groupId, ...protocol, members: [{ clientId: 'kafkajs-test' }] },
    ]);
    const listed = await admin.listGroups();
    expect(listed.groups).toContainEqual({ groupId, protocolType: 'consumer' });
    await expect(admin.deleteGroups([groupId])).rejects.toMatchObject({
      groups: [{ groupId, error: { type: 'NON_EMPTY_GROUP' } }],
    });
    await consumer.disconnect();
    await admin.deleteGroups([groupId]);
    const after = await admin.listGroups();
    expect(after.groups.map((group) => group.groupId)).not.toContain(groupId);
  });

  it('have their offsets set and reset', async () => {
    const topic = await newTopic();
    await write(topic, 10);
    const group = (groupId: string) => ({ groupId, topic });
    // kafkajs takes five seconds for each.
    await Promise.all([
      admin.setOffsets({ ...group('set'), partitions: [{ partition: 0, offset: '4' }] }),
      admin.resetOffsets({ ...group('to-the-start'), earliest: true }),
      admin.resetOffsets({ ...group('to-the-end'), earliest: false }),
    ]);
    const set = await collect(await consumerOf('set', topic));
    await eventually(() => set.length >= 6);
    expect(set[0]).toMatchObject({ offset: 4 });
    // A reset is written down as "none", and what that means is found when the group comes back.
    const start = await collect(await consumerOf('to-the-start', topic));
    await eventually(() => start.length >= 10);
    expect(start[0]).toMatchObject({ offset: 0 });
    const end = await collect(await consumerOf('to-the-end', topic, false));
    await eventually(async () => {
      await producer.send({ topic, messages: [{ value: 'new' }] });
      return end.length > 0;
    });
    expect(end[0]).toMatchObject({ value: 'new' });
  });
});

describe('deleted records', () => {
  it('are gone, and readers begin after them', async () => {
    const topic = await newTopic();
    await write(topic, 10);
    // kafkajs deletes only from topics that it knows already.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
    const [bounds] = await admin.fetchTopicOffsets(topic);
    expect(bounds).toEqual({ partition: 0, offset: '10', high: '10', low: '6' });
    expect(values(await readWithKafkajs(kafka, topic, 4))).toEqual(
      [6, 7, 8, 9].map((at) => `value ${at}`),
    );
    const beyond = [{ partition: 0, offset: '11' }];
    await expect(admin.deleteTopicRecords({ topic, partitions: beyond })).rejects.toThrow(
      'Error while deleting records',
    );
  });
});
