import { partitionForKey } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { kafkaAt, plugInCodecs, producerOf, readWithKafkajs } from '@sluice/test/support/kafkajs';
import { kcat, readWithKcat } from '@sluice/test/support/kcat';
import {
  clientOptions,
  murmur2Partitioner,
  readWithPlatformatic,
} from '@sluice/test/support/platformatic';
import { inOrder, utf8, type SeenRecord } from '@sluice/test/support/seen-record';
import { Producer } from '@platformatic/kafka';
import { CompressionTypes, type Kafka, type Message } from 'kafkajs';

/*
 * What one client has written, the others read just so.
 */

const clients = ['kafkajs', 'kcat', 'platformatic'] as const;
type Client = (typeof clients)[number];
const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
type Compression = (typeof compressions)[number];

/** A record to write; headers without a value are left to kcat, the others cannot send them. */
interface Wanted {
  key: string | null;
  value: string | null;
  headers?: [name: string, value: string][];
}

const wanted: Wanted[] = [
  {
    key: 'key',
    value: 'value',
    headers: [
      ['name', 'text'],
      ['second', 'more text'],
    ],
  },
  { key: 'schlüssel ✓', value: 'wert 🜲', headers: [['grüße', 'ja ✓']] },
  { key: null, value: 'no key' },
  { key: 'tombstone', value: null },
  { key: 'twice the same', value: 'x'.repeat(5_000) },
  { key: 'twice the same', value: 'x'.repeat(5_000) },
];

let broker: TestBroker;
let kafka: Kafka;
let topicNumber = 0;

beforeAll(async () => {
  plugInCodecs();
  broker = await startBroker();
  kafka = kafkaAt(broker.port);
});

afterAll(async () => {
  await broker?.stop();
  await broker?.redis.stop();
});

async function newTopic(partitions = 1): Promise<string> {
  const name = `topic-${topicNumber++}`;
  const made = await broker.catalog.create({ name, partitions, configs: {}, validateOnly: false });
  expect(made).toHaveProperty('created');
  return name;
}

type Writer = (topic: string, compression: Compression, records: Wanted[]) => Promise<void>;

const codecs: Record<Compression, CompressionTypes> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

const writers: Record<Client, Writer> = {
  async kafkajs(topic, compression, records) {
    const producer = await producerOf(kafka);
    const messages = records.map(({ key, value, headers = [] }): Message => ({
      key,
      value,
      headers: Object.fromEntries(headers),
    }));
    await producer.send({ topic, compression: codecs[compression], messages });
    await producer.disconnect();
  },

  /** One run for each record, as headers hold for a run. */
  async kcat(topic, compression, records) {
    for (const { key, value, headers = [] } of records) {
      const named = headers.flatMap(([name, text]) => ['-H', `${name}=${text}`]);
      const murmur = ['-X', 'topic.partitioner=murmur2_random'];
      // With -Z what is empty, key or value, is sent as null.
      const args = ['-P', '-t', topic, '-z', compression, '-Z', '-K:', ...murmur, ...named];
      await kcat(broker.port, args, `${key ?? ''}:${value ?? ''}\n`);
    }
  },

  async platformatic(topic, compression, records) {
    const producer = new Producer({
      ...clientOptions(broker.port),
      partitioner: murmur2Partitioner,
    });
    const messages = records.map(({ key, value, headers = [] }) => ({
      topic,
      key: key === null ? undefined : Buffer.from(key),
      // It sends null as null, though its types have no tombstones.
      value: (value === null ? null : Buffer.from(value)) as Buffer,
      headers: new Map(headers.map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
    }));
    await producer.send({ compression, messages });
    await producer.close();
  },
};

const readers: Record<Client, (topic: string, count: number) => Promise<SeenRecord[]>> = {
  kafkajs: (topic, count) => readWithKafkajs(kafka, topic, count),
  kcat: (topic) => readWithKcat(broker.port, topic, ['-o', 'beginning', '-e']),
  platformatic: (topic, count) => readWithPlatformatic(broker.port, topic, count),
};

const seenContent = wanted.map(({ key, value, headers = [] }) => ({
  key: key === null ? null : utf8(key),
  value: value === null ? null : utf8(value),
  headers: headers.map(([name, text]) => [utf8(name), utf8(text)]),
}));

describe('what one client has written', () => {
  const cases = clients.flatMap((writer) =>
    compressions.map((compression) => [writer, compression] as const),
  );

  it.each(cases)('%s with %s: all read the same', async (writer, compression) => {
    const topic = await newTopic();
    await writers[writer](topic, compression, wanted);
    const [first, ...others] = await Promise.all(
      clients.map((reader) => readers[reader](topic, wanted.length)),
    );
    expect(first!.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(seenContent);
    expect(first!.map(({ offset }) => offset)).toEqual(wanted.map((_, at) => at));
    for (const seen of others) expect(seen).toEqual(first);
  });
});

describe('the partition of a key', () => {
  it.each([1, 2, 7, 12])('of %d is the same for all clients and for us', async (partitions) => {
    const keys = [
      ...Array.from({ length: 120 }, (_, at) => `key ${at * 7919}`),
      ...Array.from({ length: 30 }, (_, at) => 'ü✓'.repeat(at + 1)),
    ];
    const records = keys.map((key) => ({ key, value: key }));
    const placed = async (write: (topic: string) => Promise<unknown>) => {
      const topic = await newTopic(partitions);
      await write(topic);
      const seen = await readWithKcat(broker.port, topic, ['-o', 'beginning', '-e']);
      return new Map(inOrder(seen).map(({ key, partition }) => [key, partition]));
    };
    const ours = new Map(
      keys.map((key) => [utf8(key), partitionForKey(Buffer.from(key), partitions)]),
    );
    const lines = keys.map((key) => `${key}:${key}\n`).join('');
    const murmur = ['-K:', '-X', 'topic.partitioner=murmur2_random'];
    expect(await placed((topic) => writers.kafkajs(topic, 'none', records))).toEqual(ours);
    expect(await placed((topic) => writers.platformatic(topic, 'none', records))).toEqual(ours);
    expect(
      await placed((topic) => kcat(broker.port, ['-P', '-t', topic, ...murmur], lines)),
    ).toEqual(ours);
  });

  it('keeps the order of a key when different clients write it in turns', async () => {
    const topic = await newTopic(5);
    const rounds = 4;
    for (let round = 0; round < rounds; round++) {
      for (const client of clients) {
        await writers[client](topic, 'none', [{ key: 'one key', value: `${round} ${client}` }]);
      }
    }
    const seen = await readWithPlatformatic(broker.port, topic, rounds * clients.length);
    expect(new Set(seen.map(({ partition }) => partition)).size).toBe(1);
    expect(inOrder(seen).map(({ value }) => value)).toEqual(
      Array.from({ length: rounds }, (_, round) =>
        clients.map((client) => `${round} ${client}`),
      ).flat(),
    );
  });
});
