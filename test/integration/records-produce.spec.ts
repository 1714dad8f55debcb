import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import type { GivenRecord, ProducedRecord, RecordsDoor } from '@sluice/broker';
import {
  Idempotency,
  idempotencyKeys,
  partitionKeys,
  type AppendBatch,
  type AppendDone,
  type NotedRequest,
  type Topic,
} from '@sluice/log';
import { partitionForKey } from '@sluice/records';
import { UnknownOutcome } from '@sluice/redis';
import { silentLogger } from '@sluice/base';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { kafkaAt, plugInCodecs, producerOf } from '@sluice/test/support/kafkajs';
import { browseAll, browsePage, produceTo } from '@sluice/test/support/records-door';
import { sharedRedis } from '@sluice/test/support/redis';

let broker: TestBroker;
let door: RecordsDoor;
let topics = 0;

beforeAll(async () => {
  plugInCodecs();
  broker = await startBroker();
  door = broker.broker.records;
});
afterAll(async () => {
  await broker.stop();
  await (await sharedRedis()).stop();
});

async function newTopic(partitions = 1, configs: Record<string, string> = {}): Promise<string> {
  const name = `produced-${topics++}`;
  await broker.catalog.create({ name, partitions, configs });
  return name;
}

const base64 = (given: Uint8Array | null) =>
  given === null ? null : { base64: Buffer.from(given).toString('base64') };
const refusal = (code: string) => expect.objectContaining({ name: 'DoorRefusal', code });
const count = async (topic: string) => (await browseAll(door, topic)).length;
const stored = (records: ProducedRecord[] | null) =>
  records!.map((one) => ('error' in one ? one.error.code : one.offset));

describe('producing through the records door', () => {
  it('takes text, JSON and base64, and tells where each record is', async () => {
    const topic = await newTopic(3);
    const { records } = await produceTo(door, topic, [
      { key: 'alice', value: 'a text', timestampMs: 7, headers: [{ name: 'n', value: 'v' }] },
      { key: { json: { id: 1 } }, value: { json: [1, null] }, partition: 2 },
      { key: { base64: '/w==' }, value: { base64: '' }, partition: 2 },
      { value: null, partition: 2, headers: [{ name: 'none' }] },
    ]);
    const keyed = partitionForKey(Buffer.from('alice'), 3);
    expect(records![0]).toEqual({ partition: keyed, offset: 0, timestampMs: 7 });
    const all = await browsePage(door, topic);
    const of = (partition: number, offset: number) =>
      all.records.find((one) => one.partition === partition && one.offset === offset);
    expect(of(keyed, 0)).toMatchObject({
      key: { text: 'alice', bytes: 5 },
      value: { text: 'a text' },
      headers: [{ name: 'n', value: { text: 'v' } }],
      timestampMs: 7,
    });
    const at = keyed === 2 ? 1 : 0;
    expect(of(2, at)).toMatchObject({ key: { text: '{"id":1}' }, value: { text: '[1,null]' } });
    expect(of(2, at + 1)).toMatchObject({ key: { base64: '/w==' }, value: { text: '', bytes: 0 } });
    expect(of(2, at + 2)).toMatchObject({
      key: null,
      value: null,
      headers: [{ name: 'none', value: null }],
    });
  });

  it('is read by kafkajs as it was given, and gives what kafkajs has written', async () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 60 }));
    const record = fc.record({
      key: bytes,
      value: bytes,
      headers: fc.array(fc.record({ name: fc.stringMatching(/^[a-z]{1,5}$/), value: bytes }), {
        maxLength: 3,
      }),
      timestampMs: fc.integer({ min: 0, max: 1_700_000_000_000 }),
      partition: fc.integer({ min: 0, max: 2 }),
    });
    const compression = fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd' as const);
    const kafka = kafkaAt(broker.port);
    const producer = await producerOf(kafka);
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 10 }),
        compression,
        async (given, codec) => {
          const byDoor = await newTopic(3);
          const byKafka = await newTopic(3);
          const records = given.map((one) => ({
            ...one,
            key: base64(one.key),
            value: base64(one.value),
            headers: one.headers.map(({ name, value }) => ({ name, value: base64(value) })),
          }));
          const sent = await produceTo(door, byDoor, records, { compression: codec as 'none' });
          expect(sent.records!.filter((one) => 'error' in one)).toEqual([]);
          await producer.send({
            topic: byKafka,
            messages: given.map(({ key, value, headers, timestampMs, partition }) => ({
              partition,
              timestamp: String(timestampMs),
              key: key && Buffer.from(key),
              value: value && Buffer.from(value),
              headers: headersOf(headers),
            })),
          });
          const told = { keys: 'base64', values: 'base64', headers: 'base64' } as const;
          const telling = { ...told, bytesMax: 100 };
          const mine = await browseAll(door, byDoor, { telling });
          const theirs = await browseAll(door, byKafka, { telling });
          const sorted = (all: typeof mine) =>
            all
              .map((one) => ({ ...one, headers: sortedHeaders(one.headers) }))
              .sort((a, b) => a.partition - b.partition || a.offset - b.offset);
          expect(sorted(mine)).toEqual(sorted(theirs));
          expect(mine).toHaveLength(given.length);
        },
      ),
      { numRuns: 25 },
    );
    await producer.disconnect();
  });

  it('puts keyed records where kafkajs puts them', async () => {
    const topic = await newTopic(5);
    const keys = ['a', 'order-17', 'ü', '', 'x'.repeat(100)];
    const { records } = await produceTo(
      door,
      topic,
      keys.map((key) => ({ key, value: 'v' })),
    );
    const kafkaTopic = await newTopic(5);
    const producer = await producerOf(kafkaAt(broker.port), {
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    for (const [at, key] of keys.entries()) {
      // kafkajs takes an empty key for none.
      if (key === '') continue;
      const [sent] = await producer.send({ topic: kafkaTopic, messages: [{ key, value: 'v' }] });
      expect(records![at]!.partition).toBe(sent!.partition);
    }
    await producer.disconnect();
  });

  it('refuses only the batch that breaks a rule, and says which record does', async () => {
    const topic = await newTopic(2, { 'cleanup.policy': 'compact', 'max.message.bytes': '2000' });
    const { records } = await produceTo(door, topic, [
      { key: 'k', value: 'good', partition: 0 },
      { key: 'k', value: 'sound', partition: 1 },
      { value: 'no key', partition: 1 },
      { key: 'k', value: 'x'.repeat(3_000), partition: 0 },
      { key: 'k', value: 'good too', partition: 0 },
    ]);
    expect(stored(records)).toEqual([
      0,
      'INVALID_RECORD',
      'INVALID_RECORD',
      'MESSAGE_TOO_LARGE',
      1,
    ]);
    const messageOf = (at: number) =>
      (records![at] as { error: { message: string } }).error.message;
    expect(messageOf(1)).toContain('other records of its batch');
    expect(messageOf(2)).not.toContain('other records');
    expect(await count(topic)).toBe(2);
  });

  it('splits what is larger than a batch may be, in order', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '5000' });
    const given = Array.from({ length: 50 }, (_, at) => ({ value: `${at}:`.padEnd(400, '.') }));
    const { records } = await produceTo(door, topic, given, { idempotencyKey: 'many batches' });
    expect(stored(records)).toEqual(given.map((_, at) => at));
  });

  it('tells the time of the append where the topic wants that', async () => {
    const topic = await newTopic(1, { 'message.timestamp.type': 'LogAppendTime' });
    const { records } = await produceTo(door, topic, [{ value: 'v', timestampMs: 5 }]);
    const page = await browsePage(door, topic);
    expect(records![0]).toMatchObject({ timestampMs: page.records[0]!.timestampMs });
    expect(page.records[0]!.timestampMs).toBeGreaterThan(5);
  });

  it('waits for nothing where no acks are asked for', async () => {
    const topic = await newTopic();
    const { records } = await produceTo(door, topic, [{ value: 'v' }], { acks: 'none' });
    expect(records).toBeNull();
    await eventually(async () => (await count(topic)) === 1);
  });

  it('refuses what cannot be meant, and writes none of it', async () => {
    const topic = await newTopic();
    const refused = async (record: unknown, code: string) => {
      const records = [{ value: 'good' }, record as GivenRecord];
      await expect(produceTo(door, topic, records)).rejects.toEqual(refusal(code));
    };
    await refused(null, 'record-invalid');
    await refused({ timestampMs: -1 }, 'record-invalid');
    await refused({ partition: 0.5 }, 'record-invalid');
    await refused({ partition: 1 }, 'unknown-partition');
    await refused({ value: 5 }, 'bytes-invalid');
    await refused({ value: {} }, 'bytes-invalid');
    await refused({ value: { text: 'a', base64: 'YQ==' } }, 'bytes-invalid');
    await refused({ value: { base64: 'not base64' } }, 'bytes-invalid');
    await refused({ value: { xml: '<a/>' } }, 'bytes-invalid');
    await refused({ headers: {} }, 'record-invalid');
    await refused({ headers: [{ value: 'v' }] }, 'record-invalid');
    await refused(
      { headers: Array.from({ length: 1_001 }, () => ({ name: 'n' })) },
      'too-many-headers',
    );
    await expect(produceTo(door, topic, [])).rejects.toEqual(refusal('records-missing'));
    await expect(
      produceTo(
        door,
        topic,
        Array.from({ length: 10_001 }, () => ({})),
      ),
    ).rejects.toEqual(refusal('too-many-records'));
    await expect(produceTo(door, 'none', [{}])).rejects.toEqual(refusal('unknown-topic'));
    expect(await count(topic)).toBe(0);
  });
});

describe('an Idempotency-Key', () => {
  const given: GivenRecord[] = [
    { key: 'a', value: '1' },
    { value: '2' },
    { key: 'b', value: '3' },
    { value: '4' },
  ];

  it('has the same request answered the same, and done once', async () => {
    const topic = await newTopic(3);
    const request = { idempotencyKey: 'order 17' };
    const first = await produceTo(door, topic, given, request);
    const second = await produceTo(door, topic, given, request);
    expect(second).toEqual({ ...first, replayed: true });
    expect(await count(topic)).toBe(given.length);
  });

  it('is refused for another request, and is free for another topic', async () => {
    const topic = await newTopic();
    const request = { idempotencyKey: 'k' };
    await produceTo(door, topic, given, request);
    await expect(produceTo(door, topic, given.slice(1), request)).rejects.toEqual(
      refusal('idempotency-key-reused'),
    );
    const all = { ...request, acks: 'all' as const };
    await expect(produceTo(door, topic, given, all)).rejects.toEqual(
      refusal('idempotency-key-reused'),
    );
    const other = await produceTo(door, await newTopic(), given, request);
    expect(other.replayed).toBe(false);
    expect(await count(topic)).toBe(given.length);
  });

  it('is done once by many that come at the same time', async () => {
    const topic = await newTopic(4);
    const request = { idempotencyKey: 'at once' };
    const all = await Promise.all(
      Array.from({ length: 20 }, () => produceTo(door, topic, given, request)),
    );
    for (const { records } of all) expect(records).toEqual(all[0]!.records);
    expect(await count(topic)).toBe(given.length);
  });

  it('holds where the answer could not be noted, also after partitions were added', async () => {
    const topic = await newTopic(2);
    const request = { idempotencyKey: 'lost' };
    const complete = jest
      .spyOn(Idempotency.prototype, 'complete')
      .mockRejectedValueOnce(new UnknownOutcome('log/idempotency-complete'));
    const first = await produceTo(door, topic, given, request);
    expect(complete).toHaveBeenCalled();
    await broker.catalog.addPartitions(topic, 7);
    const second = await produceTo(door, topic, given, request);
    expect(second).toEqual(first);
    expect(await count(topic)).toBe(given.length);
    complete.mockRestore();
  });

  it('holds for the batches of a request that was cut off in the middle', async () => {
    const topic = await newTopic(3);
    const places: GivenRecord[] = [0, 1, 2].map((partition) => ({ partition, value: 'v' }));
    const request = { idempotencyKey: 'cut off' };
    const { partitions } = (door as unknown as { services: DoorInside }).services;
    // As a gateway leaves it that dies after one of three appends: its writer sends no others.
    const failing = [1, 2].map((index) => {
      const partition = partitions.open(broker.catalog.byName(topic)!, index)!;
      return jest.spyOn(partition, 'append').mockImplementation((_batch, _copies, done) => {
        done(null, new UnknownOutcome('log/append'));
      });
    });
    const first = await produceTo(door, topic, places, request);
    expect(stored(first.records)).toEqual([0, 'REQUEST_TIMED_OUT', 'REQUEST_TIMED_OUT']);
    for (const one of failing) one.mockRestore();
    const second = await produceTo(door, topic, places, request);
    expect(stored(second.records)).toEqual([0, 0, 0]);
    const third = await produceTo(door, topic, places, request);
    expect(third).toEqual({ ...second, replayed: true });
    expect(await count(topic)).toBe(3);
  });

  it.each([
    ['max.message.bytes', '100'],
    ['message.timestamp.after.max.ms', '1'],
    ['cleanup.policy', 'compact'],
  ])('finds what was written though the topic takes it no longer: %s', async (name, value) => {
    const topic = await newTopic();
    const request = { idempotencyKey: 'narrowed' };
    const hourMs = 3_600_000;
    const records = [{ value: 'v'.repeat(200), timestampMs: Date.now() + hourMs / 2 }];
    const complete = jest
      .spyOn(Idempotency.prototype, 'complete')
      .mockRejectedValueOnce(new UnknownOutcome('log/idempotency-complete'));
    const first = await produceTo(door, topic, records, request);
    expect(stored(first.records)).toEqual([0]);
    await broker.catalog.setConfigs(topic, { changes: [{ op: 'set', name, value }] });
    const second = await produceTo(door, topic, records, request);
    expect(second).toEqual(first);
    expect((await produceTo(door, topic, records)).records).toMatchObject([{ error: {} }]);
    expect(await count(topic)).toBe(1);
    complete.mockRestore();
  });

  it('is answered from memory that a gateway started later has too', async () => {
    const topic = await newTopic();
    const request = { idempotencyKey: 'restart' };
    const first = await produceTo(door, topic, given, request);
    const next = await startBroker({ keyPrefix: broker.keyPrefix });
    const second = await produceTo(next.broker.records, topic, given, request);
    expect(second).toEqual({ ...first, replayed: true });
    await next.stop();
  });

  it('says so where the topic is another one now', async () => {
    const topic = await newTopic();
    const request = { idempotencyKey: 'deleted' };
    const complete = jest
      .spyOn(Idempotency.prototype, 'complete')
      .mockRejectedValueOnce(new UnknownOutcome('log/idempotency-complete'));
    await produceTo(door, topic, given, request);
    await broker.catalog.delete(topic);
    await broker.catalog.create({ name: topic, partitions: 1, configs: {} });
    await expect(produceTo(door, topic, given, request)).rejects.toEqual(refusal('topic-deleted'));
    complete.mockRestore();
  });

  it('is sound, and comes with acks', async () => {
    const topic = await newTopic();
    for (const idempotencyKey of ['', 'x'.repeat(256)]) {
      await expect(produceTo(door, topic, given, { idempotencyKey })).rejects.toEqual(
        refusal('idempotency-key-invalid'),
      );
    }
    const none = { idempotencyKey: 'k', acks: 'none' as const };
    await expect(produceTo(door, topic, given, none)).rejects.toEqual(refusal('acks-invalid'));
  });
});

describe('what is remembered of idempotent requests', () => {
  const limits = {
    idempotencyKeptMs: 60_000,
    idempotencyKeptMsMin: 0,
    idempotencyCountMax: 3,
    idempotencyForgottenMax: 10,
  };

  it('is bounded: the oldest goes, with the producers that it used', async () => {
    const topic = await newTopic();
    const { id: topicId } = broker.catalog.byName(topic)!;
    const options = { log: silentLogger, producerIdExpirationMs: 60_000, limits };
    const idempotency = new Idempotency(broker.link, options);
    const keys = idempotencyKeys(broker.keyPrefix);
    await broker.link.write.unlink(keys.requests, keys.times);
    const { producers } = partitionKeys(broker.keyPrefix, { topic, topicId, partition: 0 });
    const request = (producerId: number) => ({
      fingerprint: `${producerId}`,
      topic,
      topicId,
      partitions: 1,
      keylessPartition: 0,
      timestampMs: 1,
      batches: [{ partition: 0, records: 1, producerId }],
      answer: null,
    });
    for (let at = 0; at < 5; at++) {
      await broker.link.write.hset(producers, String(1_000_000 + at), 'some state');
      await idempotency.claim(`key ${at}`, request(1_000_000 + at));
    }
    expect(await broker.link.read.hlen(keys.requests)).toBeLessThanOrEqual(3);
    await eventually(async () => (await broker.link.read.hget(producers, '1000000')) === null);
    expect(await broker.link.read.hget(producers, '1000004')).toBe('some state');
    await broker.link.write.hdel(producers, '1000003', '1000004');
  });

  it('is not dropped while it is young: others are refused', async () => {
    const young = { ...limits, idempotencyKeptMsMin: 60_000 };
    const options = { log: silentLogger, producerIdExpirationMs: 60_000, limits: young };
    const idempotency = new Idempotency(broker.link, options);
    const topic = await newTopic();
    const request: NotedRequest = {
      fingerprint: 'f',
      topic,
      topicId: broker.catalog.byName(topic)!.id,
      partitions: 1,
      keylessPartition: 0,
      timestampMs: 1,
      batches: [],
      answer: null,
    };
    const claims: (NotedRequest | null)[] = [];
    for (let at = 0; at < 5; at++) claims.push(await idempotency.claim(`young ${at}`, request));
    expect(claims.at(-1)).toBeNull();
  });
});

/** For a fault in the middle of a request: its partitions. */
interface DoorInside {
  partitions: { open(topic: Topic, index: number): Appending | undefined };
}

interface Appending {
  append(batch: AppendBatch, copies: number, done: AppendDone): void;
}

function headersOf(headers: { name: string; value: Uint8Array | null }[]) {
  const byName: Record<string, Buffer[]> = {};
  for (const { name, value } of headers) (byName[name] ??= []).push(Buffer.from(value ?? []));
  return byName;
}

/** kafkajs groups headers by name, and has no null among them. */
function sortedHeaders(headers: { name: string; value: unknown }[]) {
  return headers
    .map(({ name, value }) => ({ name, value: value ?? { base64: '', bytes: 0 } }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
