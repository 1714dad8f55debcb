import fc from 'fast-check';
import { DoorRefusal } from '@sluice/broker';
import { PartitionStore } from '@sluice/log';
import { encodeBatch, type CompressionName, type RecordInput } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { browseAll, browsePage, usualTelling } from '@sluice/test/support/records-door';
import { sharedRedis } from '@sluice/test/support/redis';
import { storeUnchecked } from '@sluice/test/support/stored';

const codecs: CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
let broker: TestBroker;
let topics = 0;

beforeAll(async () => {
  broker = await startBroker({ hotBytesMax: 0 });
});
afterAll(async () => {
  await broker.stop();
  await (await sharedRedis()).stop();
});

async function newTopic(partitions = 1): Promise<string> {
  const name = `browsed-${topics++}`;
  await broker.catalog.create({ name, partitions, configs: {} });
  return name;
}

function record(text: string, timestampMs = 1_000, key: string | null = null): RecordInput {
  return { key: key === null ? null : Buffer.from(key), value: Buffer.from(text), timestampMs };
}

function store(topic: string, records: RecordInput[], compression: CompressionName = 'none') {
  return storeUnchecked(broker, topic, encodeBatch({ records, compression }));
}

const valuesOf = (records: { value: unknown }[]) =>
  records.map(({ value }) => (value as { text: string }).text);

const jsonOf = (one: unknown) => Buffer.from(JSON.stringify(one));
const refusal = (code: string) => expect.objectContaining({ name: 'DoorRefusal', code });

describe('browsing', () => {
  it('reads every codec, and passes over control batches', async () => {
    const topic = await newTopic();
    for (const [at, codec] of codecs.entries()) {
      await store(topic, [record(`${codec} 0`, at), record(`${codec} 1`, at)], codec);
      await storeUnchecked(
        broker,
        topic,
        encodeBatch({ records: [record('a marker')], control: true }),
      );
    }
    const page = await browsePage(broker.broker.records, topic);
    expect(valuesOf(page.records)).toEqual(codecs.flatMap((codec) => [`${codec} 0`, `${codec} 1`]));
    expect(page.records.map(({ offset }) => offset)).toEqual([0, 1, 3, 4, 6, 7, 9, 10, 12, 13]);
    expect(page.atEnd).toBe(true);
    expect(page.scanned.records).toBe(10);
  });

  it('begins at an offset inside a batch, at a time, at the end', async () => {
    const topic = await newTopic();
    await store(
      topic,
      [10, 20, 30, 40].map((ms) => record(`at ${ms}`, ms)),
      'lz4',
    );
    const door = broker.broker.records;
    const from = async (request: Parameters<typeof browsePage>[2]) =>
      valuesOf((await browsePage(door, topic, request)).records);
    expect(await from({ from: { offset: 2 } })).toEqual(['at 30', 'at 40']);
    expect(await from({ from: { timestampMs: 15 } })).toEqual(['at 20', 'at 30', 'at 40']);
    expect(await from({ from: { timestampMs: 41 } })).toEqual([]);
    expect(await from({ from: 'end', recordsMax: 3 })).toEqual(['at 40', 'at 30', 'at 20']);
    expect(await from({ from: { offset: 3 }, direction: 'backward' })).toEqual([
      'at 30',
      'at 20',
      'at 10',
    ]);
    expect(await from({ from: { offset: 9_999 } })).toEqual([]);
  });

  it('gives each record once, page by page, in both directions', async () => {
    const door = broker.broker.records;
    const batches = fc.array(
      fc.record({
        count: fc.integer({ min: 1, max: 40 }),
        codec: fc.constantFrom(...codecs),
        control: fc.boolean(),
        bytes: fc.constantFrom(1, 100, 5_000),
      }),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 50 }), async (given, recordsMax) => {
        const topic = await newTopic();
        const expected: number[] = [];
        let next = 0;
        for (const { count, codec, control, bytes } of given) {
          const records = Array.from({ length: count }, () => record('x'.repeat(bytes)));
          await storeUnchecked(
            broker,
            topic,
            encodeBatch({ records, compression: codec, control }),
          );
          for (let i = 0; i < count; i++, next++) if (!control) expected.push(next);
        }
        const forward = await browseAll(door, topic, { recordsMax });
        expect(forward.map(({ offset }) => offset)).toEqual(expected);
        const backward = await browseAll(door, topic, { recordsMax, direction: 'backward' });
        expect(backward.map(({ offset }) => offset)).toEqual(expected.toReversed());
        // Back from the middle to where it came from.
        const page = await browsePage(door, topic, { recordsMax });
        const second = await browsePage(door, topic, { recordsMax, cursor: page.newer });
        const back = await browsePage(door, topic, { recordsMax, cursor: second.older });
        expect(back.records).toEqual(page.records.toReversed());
      }),
      { numRuns: 15 },
    );
  });

  it('merges partitions by time, each record once', async () => {
    const topic = await newTopic(3);
    for (let at = 0; at < 30; at++) {
      const batch = encodeBatch({ records: [record(`${at}`, 1_000 + at)] });
      await storeUnchecked(broker, topic, batch, at % 3);
    }
    const door = broker.broker.records;
    const forward = await browseAll(door, topic, { recordsMax: 7 });
    expect(valuesOf(forward)).toEqual(Array.from({ length: 30 }, (_, at) => `${at}`));
    const backward = await browseAll(door, topic, { recordsMax: 7, direction: 'backward' });
    expect(valuesOf(backward)).toEqual(valuesOf(forward).toReversed());
    const one = await browseAll(door, topic, { partition: 1, recordsMax: 3 });
    expect(valuesOf(one)).toEqual(Array.from({ length: 10 }, (_, at) => `${3 * at + 1}`));
  });

  it('filters by key, content, header and JSON, and says how much it looked at', async () => {
    const topic = await newTopic();
    await store(topic, [
      { key: Buffer.from('a'), value: jsonOf({ user: { id: 7 } }), timestampMs: 1 },
      { key: Buffer.from('ab'), value: jsonOf({ user: { id: '7' } }), timestampMs: 2 },
      {
        key: null,
        value: Buffer.from('plain'),
        headers: [{ key: 'source', value: Buffer.from('web') }],
        timestampMs: 3,
      },
    ]);
    const found = async (filter: object) => {
      const page = await browsePage(broker.broker.records, topic, { filter });
      expect(page.scanned.records).toBe(3);
      return page.records.map(({ offset }) => offset);
    };
    expect(await found({ keyEquals: 'a' })).toEqual([0]);
    expect(await found({ keyContains: 'b' })).toEqual([1]);
    expect(await found({ valueContains: 'user' })).toEqual([0, 1]);
    expect(await found({ contains: 'web' })).toEqual([2]);
    expect(await found({ header: 'source=web' })).toEqual([2]);
    expect(await found({ header: 'source=app' })).toEqual([]);
    expect(await found({ jsonPointer: '/user/id', jsonEquals: '7' })).toEqual([0]);
    expect(await found({ jsonPointer: '/user/id', jsonEquals: '"7"' })).toEqual([1]);
    expect(await found({ jsonPointer: '/user' })).toEqual([0, 1]);
    expect(await found({ valueContains: 'user', keyEquals: 'ab' })).toEqual([1]);
  });

  it('tells what cannot be decoded, and goes on behind it', async () => {
    const topic = await newTopic();
    await store(topic, [record('before')]);
    const torn = encodeBatch({ records: [record('one'), record('two')], compression: 'gzip' });
    torn[70]! ^= 0xff;
    await storeUnchecked(broker, topic, torn);
    await store(topic, [record('after')]);
    const page = await browsePage(broker.broker.records, topic);
    expect(valuesOf(page.records)).toEqual(['before', 'after']);
    expect(page.unreadable).toEqual([
      { partition: 0, fromOffset: 1, toOffset: 2, reason: expect.any(String) },
    ]);
    const back = await browsePage(broker.broker.records, topic, { direction: 'backward' });
    expect(valuesOf(back.records)).toEqual(['after', 'before']);
    expect(back.unreadable).toEqual(page.unreadable);
  });

  it('cuts large values, and keeps a page within its bytes', async () => {
    const topic = await newTopic();
    for (let at = 0; at < 8; at++) await store(topic, [record(`${at}`.repeat(900_000))], 'zstd');
    const door = broker.broker.records;
    const cut = await browsePage(door, topic, { telling: { ...usualTelling, bytesMax: 10 } });
    expect(cut.records[3]!.value).toEqual({ text: '3333333333', bytes: 900_000, cut: true });
    const telling = { ...usualTelling, bytesMax: 1_048_576 };
    const page = await browsePage(door, topic, { telling });
    expect(page.records).toHaveLength(4);
    expect(page.atEnd).toBe(false);
    const all = await browseAll(door, topic, { telling });
    expect(all.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const back = await browseAll(door, topic, { telling, direction: 'backward' });
    expect(back.map(({ offset }) => offset)).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it.each(['forward', 'backward'] as const)(
    'tells what it has where it is cut: %s',
    async (way) => {
      const topic = await newTopic();
      await store(
        topic,
        Array.from({ length: 1_000 }, () => record('small')),
      );
      for (let at = 0; at < 4; at++) await store(topic, [record(`${at}`.repeat(900_000))]);
      const partition = broker.broker.services.partitions.open(broker.catalog.byName(topic)!, 0)!;
      const gone = new AbortController();
      const read = partition.read.bind(partition);
      jest.spyOn(partition, 'read').mockImplementation((...where) => {
        gone.abort();
        return read(...where);
      });
      const request = { topic, recordsMax: 6, filter: {}, telling: usualTelling, direction: way };
      const page = await broker.broker.records.browse(request, gone.signal);
      expect(page).toMatchObject({ atEnd: false, stoppedBy: null });
    },
  );

  it('passes over what was deleted below its cursor', async () => {
    const topic = await newTopic();
    for (let at = 0; at < 10; at++) await store(topic, [record(`${at}`)]);
    const door = broker.broker.records;
    const page = await browsePage(door, topic, { recordsMax: 2 });
    const { id } = broker.catalog.byName(topic)!;
    await new PartitionStore(broker.link).deleteRecords({ topic, topicId: id, partition: 0 }, 6);
    const next = await browsePage(door, topic, { recordsMax: 2, cursor: page.newer });
    expect(valuesOf(next.records)).toEqual(['6', '7']);
    const older = await browsePage(door, topic, { cursor: page.older });
    expect(older).toMatchObject({ records: [], atEnd: true });
  });

  it('refuses what cannot be meant', async () => {
    const topic = await newTopic();
    const door = broker.broker.records;
    await expect(browsePage(door, 'none')).rejects.toEqual(refusal('unknown-topic'));
    await expect(browsePage(door, topic, { partition: 1 })).rejects.toEqual(
      refusal('unknown-partition'),
    );
    await expect(browsePage(door, topic, { recordsMax: 1_001 })).rejects.toEqual(
      refusal('limit-invalid'),
    );
    for (const cursor of ['x', 'W10', '[]', 'A'.repeat(20_000)]) {
      await expect(browsePage(door, topic, { cursor })).rejects.toEqual(refusal('cursor-invalid'));
    }
    const { id } = broker.catalog.byName(topic)!;
    const wide = JSON.stringify([1, id, 1, Array.from({ length: 257 }, (_, at) => [at, 0])]);
    const tooMany = Buffer.from(wide).toString('base64url');
    await expect(browsePage(door, topic, { cursor: tooMany })).rejects.toEqual(
      refusal('cursor-invalid'),
    );
    const other = await browsePage(door, await newTopic());
    await expect(browsePage(door, topic, { cursor: other.newer })).rejects.toBeInstanceOf(
      DoorRefusal,
    );
    await expect(browsePage(door, topic, { filter: { jsonEquals: '1' } })).rejects.toEqual(
      refusal('filter-invalid'),
    );
    await expect(
      browsePage(door, topic, { filter: { contains: 'x'.repeat(2_000) } }),
    ).rejects.toEqual(refusal('filter-too-long'));
  });
});
