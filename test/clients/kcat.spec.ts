import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { partitionForKey } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { kcat, kcatMember, readWithKcat, runKcat } from '@sluice/test/support/kcat';
import { inOrder, utf8, type SeenRecord } from '@sluice/test/support/seen-record';
import { storedCompressions } from '@sluice/test/support/stored';
import { groupStories, storyGroupLimits } from './group-stories';

/*
 * kcat has no admin commands but listing and asking for offsets; topics it makes by using them.
 */

let broker: TestBroker;
let folder: string;
let topicNumber = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-kcat-'));
  broker = await startBroker({ groupLimits: storyGroupLimits, defaultPartitions: 3 });
});

afterAll(async () => {
  await broker?.stop();
  await broker?.redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function newTopic(partitions = 1, configs: Record<string, string> = {}): Promise<string> {
  const name = `topic-${topicNumber++}`;
  const made = await broker.catalog.create({ name, partitions, configs, validateOnly: false });
  expect(made).toHaveProperty('created');
  return name;
}

const run = (args: readonly string[], input: Buffer | string = '') =>
  kcat(broker.port, args, input);
const readAll = (topic: string, ...args: string[]) =>
  readWithKcat(broker.port, topic, ['-o', 'beginning', '-e', ...args]);
const values = (records: readonly SeenRecord[]) => records.map(({ value }) => value);
const numbers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => String(from + at));
const lines = (items: readonly string[]) => items.map((item) => `${item}\n`).join('');

interface Listing {
  brokers: { id: number; name: string }[];
  topics: { topic: string; partitions: { partition: number; leader: number }[] }[];
}

async function list(...args: string[]): Promise<Listing> {
  return JSON.parse(await run(['-L', '-J', ...args])) as Listing;
}

describe('topics', () => {
  it('are made by being asked for, and listed', async () => {
    const topic = 'made-by-kcat';
    const { brokers, topics } = await list('-t', topic);
    expect(brokers).toEqual([{ id: 1, name: `127.0.0.1:${broker.port}` }]);
    expect(topics).toMatchObject([{ topic, partitions: [{ leader: 1 }, {}, {}] }]);
    const all = await list();
    expect(all.topics.map((listed) => listed.topic)).toContain(topic);
    expect(broker.catalog.byName(topic)?.partitions).toBe(3);
  });

  it('are made by the first record', async () => {
    const topic = 'made-by-a-record-of-kcat';
    await run(['-P', '-t', topic], 'first\n');
    expect(values(await readAll(topic))).toEqual(['first']);
  });

  it('have no partition past their last', async () => {
    const topic = await newTopic(2);
    const { code, stderr } = await runKcat(broker.port, ['-C', '-t', topic, '-p', '2', '-e']);
    expect(code).toBe(1);
    expect(stderr).toContain('partition 2 does not exist');
  });
});

describe('records', () => {
  it('have keys, headers and nulls', async () => {
    const topic = await newTopic();
    const before = Date.now();
    const headers = ['-H', 'name=text', '-H', 'none', '-H', 'grüße=ja ✓', '-H', 'name=again'];
    await run(['-P', '-t', topic, '-K:', ...headers], 'key:value\nschlüssel ✓:wert 🜲\nno key\n');
    await run(['-P', '-t', topic, '-K:', '-Z'], 'tombstone:\n:no key either\n');
    const seen = await readAll(topic);
    expect(seen.map(({ key, value }) => [key, value])).toEqual([
      ['key', 'value'],
      [utf8('schlüssel ✓'), utf8('wert 🜲')],
      [null, 'no key'],
      ['tombstone', null],
      [null, 'no key either'],
    ]);
    const sent: SeenRecord['headers'] = [
      ['name', 'text'],
      ['none', null],
      [utf8('grüße'), utf8('ja ✓')],
      ['name', 'again'],
    ];
    expect(seen.map((record) => record.headers)).toEqual([sent, sent, sent, [], []]);
    for (const { timestampMs } of seen) {
      expect(timestampMs).toBeGreaterThanOrEqual(before);
      expect(timestampMs).toBeLessThanOrEqual(Date.now());
    }
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'are stored and read as they were compressed: %s',
    async (compression) => {
      const topic = await newTopic();
      const sent = numbers(2_000).map((number) => `the value with number ${number}`);
      await run(['-P', '-t', topic, '-z', compression], lines(sent));
      expect(values(await readAll(topic))).toEqual(sent);
      // librdkafka leaves a batch of few records as it is where compression would make it larger.
      const stored = await storedCompressions(broker, topic);
      expect(stored).toContain(compression);
      expect(stored.add('none')).toEqual(new Set([compression, 'none']));
    },
  );

  it.each(['0', '1', '-1'])('are written with acks %s', async (acks) => {
    const topic = await newTopic();
    await run(['-P', '-t', topic, '-X', `topic.acks=${acks}`], lines(numbers(100)));
    expect(
      await eventually(async () => {
        const seen = values(await readAll(topic));
        return seen.length === 100 && seen;
      }),
    ).toEqual(numbers(100));
  });

  it('of an idempotent producer are written once and in order', async () => {
    const topic = await newTopic();
    const small = ['-X', 'batch.num.messages=10', '-X', 'queue.buffering.max.ms=1'];
    const sent = numbers(3_000);
    await run(['-P', '-t', topic, '-X', 'enable.idempotence=true', ...small], lines(sent));
    expect(values(await readAll(topic))).toEqual(sent);
  });

  it('may be nearly a megabyte, and no larger than the topic allows', async () => {
    const topic = await newTopic();
    const file = join(folder, 'large');
    const bytes = randomBytes(900_000);
    writeFileSync(file, bytes);
    await run(['-P', '-t', topic, file]);
    const [record] = await readAll(topic);
    expect(record?.value === bytes.toString('latin1')).toBe(true);
    const narrow = await newTopic(1, { 'max.message.bytes': '10000' });
    const refused = await runKcat(broker.port, ['-P', '-t', narrow, file]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('Message size too large');
  });

  it('of one key keep their order under concurrent producers, in our partition', async () => {
    const topic = await newTopic(5);
    const murmur = ['-X', 'topic.partitioner=murmur2_random', '-X', 'batch.num.messages=7'];
    const writers = ['a', 'b', 'c'].map((writer) => {
      const sent = numbers(600).map((number) => `${writer}${Number(number) % 4}:${number}\n`);
      return run(['-P', '-t', topic, '-K:', ...murmur], sent.join(''));
    });
    await Promise.all(writers);
    const seen = inOrder(await readAll(topic));
    expect(seen.length).toBe(1_800);
    for (const key of new Set(seen.map((record) => record.key ?? ''))) {
      const own = seen.filter((record) => record.key === key);
      expect(own.map(({ value }) => Number(value))).toEqual(
        numbers(150).map((at) => Number(at) * 4 + Number(key[1])),
      );
      const partition = partitionForKey(Buffer.from(key), 5);
      expect(new Set(own.map((record) => record.partition))).toEqual(new Set([partition]));
    }
  });
});

describe('reading', () => {
  it('begins at an offset, counted from either side', async () => {
    const topic = await newTopic();
    await run(['-P', '-t', topic], lines(numbers(10)));
    const from = (offset: string) => readWithKcat(broker.port, topic, ['-o', offset, '-e']);
    expect(values(await from('7'))).toEqual(['7', '8', '9']);
    expect(values(await from('-2'))).toEqual(['8', '9']);
    expect(values(await from('end'))).toEqual([]);
  });

  it('begins at the end, and gets what comes then', async () => {
    const topic = await newTopic();
    await run(['-P', '-t', topic], lines(['old']));
    let ended = false;
    const reading = readWithKcat(broker.port, topic, ['-o', 'end', '-c', '1']).finally(() => {
      ended = true;
    });
    // kcat does not say when it has found the end.
    await eventually(async () => {
      await run(['-P', '-t', topic], lines(['new']));
      return ended;
    });
    expect(values(await reading)).toEqual(['new']);
  });

  it('begins and ends at a time, which is found exactly', async () => {
    const topic = await newTopic();
    for (const part of [numbers(10), numbers(10, 10), numbers(10, 20)]) {
      await run(['-P', '-t', topic], lines(part));
    }
    const times = (await readAll(topic)).map(({ timestampMs }) => timestampMs);
    const [start, end] = [times[10]!, times[20]!];
    const first = times.indexOf(start);
    const query = await run(['-Q', '-t', `${topic}:0:${start}`]);
    expect(query).toBe(`${topic} [0] offset ${first}\n`);
    const range = ['-o', `s@${start}`, '-o', `e@${end}`, '-e'];
    const seen = await readWithKcat(broker.port, topic, range);
    expect(values(seen)).toEqual(numbers(times.indexOf(end) - first, first));
  });

  it('asks for the first and the last offset', async () => {
    const topic = await newTopic(2);
    await run(['-P', '-t', topic, '-p', '1'], lines(numbers(7)));
    const ask = (partition: number, time: number) =>
      run(['-Q', '-t', `${topic}:${partition}:${time}`]);
    expect(await ask(0, -1)).toBe(`${topic} [0] offset 0\n`);
    expect(await ask(1, -1)).toBe(`${topic} [1] offset 7\n`);
    expect(await ask(1, -2)).toBe(`${topic} [1] offset 0\n`);
  });

  it('waits for records that come later', async () => {
    const topic = await newTopic();
    const reading = readWithKcat(broker.port, topic, ['-o', 'beginning', '-c', '3']);
    for (const number of numbers(3)) await run(['-P', '-t', topic], lines([number]));
    expect(values(await reading)).toEqual(numbers(3));
  });
});

describe('groups', () => {
  groupStories({ broker: () => broker, startMember: kcatMember });

  it('go on where they have committed', async () => {
    const topic = await newTopic();
    await run(['-P', '-t', topic], lines(numbers(10)));
    const group = ['-G', 'resumed', '-q', '-X', 'auto.offset.reset=earliest'];
    const read = (count: number) => run([...group, '-c', String(count), topic]);
    expect(await read(4)).toBe(lines(numbers(4)));
    expect(await read(4)).toBe(lines(numbers(4, 4)));
    expect(await read(2)).toBe(lines(numbers(2, 8)));
  });
});
