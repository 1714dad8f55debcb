import { randomBytes } from 'node:crypto';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { kafkaAt, plugInCodecs, producerOf, readWithKafkajs } from '@sluice/test/support/kafkajs';
import { kcat, readWithKcat } from '@sluice/test/support/kcat';
import { inOrder, utf8, type SeenRecord } from '@sluice/test/support/seen-record';
import { storedCompressions } from '@sluice/test/support/stored';
import { ask } from '../../libs/admin/test/ask';

/*
 * What is produced over HTTP is for Kafka clients, and what they produce is looked at over HTTP.
 */

const timestampMs = 1_700_000_000_123;
/** Every byte that there is; it is no UTF-8. */
const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));

let broker: TestBroker;
let topicNumber = 0;

beforeAll(async () => {
  plugInCodecs();
  broker = await startBroker({ admin: true });
});

afterAll(async () => {
  await broker?.stop();
  await broker?.redis.stop();
});

async function newTopic(partitions = 1): Promise<string> {
  const name = `topic-${topicNumber++}`;
  await broker.catalog.create({ name, partitions, configs: {}, validateOnly: false });
  return name;
}

interface Placed {
  partition: number;
  offset: number;
}

async function produce(topic: string, records: object[], more: object = {}): Promise<Placed[]> {
  const path = `/v1/topics/${topic}/records`;
  const answer = await ask(broker.adminUrl, path, { method: 'POST', body: { records, ...more } });
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return answer.json.records as Placed[];
}

async function browse(topic: string): Promise<Record<string, unknown>[]> {
  const { status, json } = await ask(broker.adminUrl, `/v1/topics/${topic}/records?from=start`);
  expect(status).toBe(200);
  return json.records as Record<string, unknown>[];
}

const told = (text: string) => ({ text, bytes: Buffer.byteLength(text) });

const readers: [string, (topic: string, count: number) => Promise<SeenRecord[]>][] = [
  ['kafkajs', (topic, count) => readWithKafkajs(kafkaAt(broker.port), topic, count)],
  ['kcat', (topic) => readWithKcat(broker.port, topic, ['-o', 'beginning', '-e'])],
];

/** Each form of keys, values and headers, and what Kafka clients are to see of it. */
const forms: [given: object, seen: Partial<SeenRecord>][] = [
  [
    { key: 'key', value: 'value' },
    { key: 'key', value: 'value' },
  ],
  [
    { key: { text: 'schlüssel ✓' }, value: { json: { a: [1, 'ü'] } } },
    { key: utf8('schlüssel ✓'), value: utf8('{"a":[1,"ü"]}') },
  ],
  [
    { key: 'tombstone', value: null },
    { key: 'tombstone', value: null },
  ],
  [{ value: '' }, { key: null, value: '' }],
  [
    { key: { base64: bytes.toString('base64') }, value: { base64: bytes.toString('base64') } },
    { key: bytes.toString('latin1'), value: bytes.toString('latin1') },
  ],
  [
    {
      value: 'with headers',
      headers: [
        { name: 'name', value: 'text' },
        { name: 'none', value: null },
        { name: 'grüße', value: { text: 'ja ✓' } },
        { name: 'name', value: { base64: Buffer.from('again').toString('base64') } },
      ],
    },
    { key: null, value: 'with headers' },
  ],
];

describe.each(readers)('what is produced over HTTP is consumed by %s', (_, read) => {
  it('with its keys, nulls, bytes, headers and timestamps', async () => {
    const topic = await newTopic();
    const given = forms.map(([record], at) => ({ ...record, timestampMs: timestampMs + at }));
    const placed = await produce(topic, given);
    expect(placed.map(({ offset }) => offset)).toEqual(forms.map((_, at) => at));
    const seen = inOrder(await read(topic, forms.length));
    const expected = forms.map(([, record], offset) => ({
      ...record,
      offset,
      partition: 0,
      timestampMs: timestampMs + offset,
    }));
    expect(seen).toMatchObject(expected);
    const headers = seen.at(-1)!.headers;
    const named = (name: string) => headers.filter(([one]) => one === name).map(([, it]) => it);
    expect(named('name')).toEqual(['text', 'again']);
    expect(named(utf8('grüße'))).toEqual([utf8('ja ✓')]);
    expect(named('none')).toEqual([null]);
    expect(seen.slice(0, -1).flatMap((record) => record.headers)).toEqual([]);
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'compressed as was asked for: %s',
    async (compression) => {
      const topic = await newTopic();
      const values = Array.from({ length: 500 }, (_, at) => `the value with number ${at}`);
      await produce(
        topic,
        values.map((value) => ({ value })),
        { compression },
      );
      const seen = inOrder(await read(topic, values.length));
      expect(seen.map(({ value }) => value)).toEqual(values);
      expect(await storedCompressions(broker, topic)).toEqual(new Set([compression]));
    },
  );
});

test('a key leads to the partition that kafkajs and kcat choose for it', async () => {
  const partitions = 7;
  const keys = Array.from({ length: 200 }, (_, at) => (at === 0 ? 'ü' : `customer-${at}`));
  const byHttp = await newTopic(partitions);
  const placed = await produce(
    byHttp,
    keys.map((key) => ({ key, value: key })),
  );
  const ours = new Map(keys.map((key, at) => [utf8(key), placed[at]!.partition]));
  expect(new Set(ours.values()).size).toBe(partitions);

  const byKafkajs = await newTopic(partitions);
  const producer = await producerOf(kafkaAt(broker.port));
  const messages = keys.map((key) => ({ key, value: key }));
  await producer.send({ topic: byKafkajs, messages });
  await producer.disconnect();

  const byKcat = await newTopic(partitions);
  const murmur = ['-X', 'topic.partitioner=murmur2_random'];
  const lines = keys.map((key) => `${key}:${key}\n`).join('');
  await kcat(broker.port, ['-P', '-t', byKcat, '-K:', ...murmur], lines);

  for (const topic of [byHttp, byKafkajs, byKcat]) {
    const seen = await readWithKcat(broker.port, topic, ['-o', 'beginning', '-e']);
    const theirs = new Map(seen.map(({ key, partition }) => [key!, partition]));
    expect([topic, seen.length, theirs]).toEqual([topic, keys.length, ours]);
  }
});

test('bytes of a key, too, lead to the partition that kafkajs chooses', async () => {
  const [byHttp, byKafkajs] = [await newTopic(7), await newTopic(7)];
  const keys = Array.from({ length: 50 }, (_, at) => randomBytes(1 + at));
  const placed = await produce(
    byHttp,
    keys.map((key) => ({ key: { base64: key.toString('base64') }, value: null })),
  );
  const producer = await producerOf(kafkaAt(broker.port));
  await producer.send({ topic: byKafkajs, messages: keys.map((key) => ({ key, value: null })) });
  await producer.disconnect();
  const seen = await readWithKcat(broker.port, byKafkajs, ['-o', 'beginning', '-e']);
  const theirs = new Map(seen.map(({ key, partition }) => [key, partition]));
  const theirPlaces = keys.map((key) => theirs.get(key.toString('latin1')));
  expect(placed.map(({ partition }) => partition)).toEqual(theirPlaces);
});

describe('what Kafka clients produce is browsed over HTTP', () => {
  it('from kafkajs', async () => {
    const topic = await newTopic();
    const producer = await producerOf(kafkaAt(broker.port));
    const timestamp = String(timestampMs);
    await producer.send({
      topic,
      messages: [
        { key: 'schlüssel', value: 'wert ✓', headers: { name: ['a', 'b'] }, timestamp },
        { key: bytes, value: bytes, timestamp },
        { key: 'tombstone', value: null, timestamp },
      ],
    });
    await producer.disconnect();
    const binary = { base64: bytes.toString('base64'), bytes: bytes.length };
    const headers = ['a', 'b'].map((value) => ({ name: 'name', value: told(value) }));
    const usual = { partition: 0, timestampMs };
    expect(await browse(topic)).toMatchObject([
      { ...usual, offset: 0, key: told('schlüssel'), value: told('wert ✓'), headers },
      { ...usual, offset: 1, key: binary, value: binary, headers: [] },
      { ...usual, offset: 2, key: told('tombstone'), value: null, headers: [] },
    ]);
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'from kcat, compressed with %s',
    async (codec) => {
      const topic = await newTopic();
      const lines = Array.from({ length: 50 }, (_, at) => `key ${at}:the value ${at}\n`);
      await kcat(broker.port, ['-P', '-t', topic, '-K:', '-z', codec], lines.join(''));
      const records = await browse(topic);
      const texts = records.map(({ key, value }) => [key, value]);
      expect(texts).toMatchObject(
        lines.map((_, at) => [{ text: `key ${at}` }, { text: `the value ${at}` }]),
      );
    },
  );
});
