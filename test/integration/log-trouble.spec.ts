import { partitionKeys } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import { crc32c, decodeBatch, encodeBatch, isControl } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { adminOf, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { storeUnchecked } from '@sluice/test/support/stored';
import {
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  ErrorCode,
  Fetch,
  ListOffsets,
  Produce,
} from '@sluice/wire';

const gzip = 1;

let redis: TestRedis;
/** With rights that the gateway need not have. */
let admin: RedisLink['write'];
let host: TestBroker;
let client: RawClient;
let other: RawClient;

beforeEach(async () => {
  redis = await startRedis({ args: ['--appendonly', 'no'] });
  admin = await adminOf(redis);
  host = await startBroker({ redis });
  client = await RawClient.connect(host.port);
  other = await RawClient.connect(host.port);
});

afterEach(async () => {
  await client?.close();
  await other?.close();
  await host?.stop();
  await redis?.stop();
});

async function create(...names: string[]): Promise<void> {
  const topics = names.map((name) => ({ name, numPartitions: 1, replicationFactor: 1 }));
  await client.send(CreateTopics, 7, { topics });
}

function keysOf(topic: string) {
  const { id } = host.catalog.byName(topic)!;
  return partitionKeys(host.keyPrefix, { topic, topicId: id, partition: 0 });
}

/** The channels that somebody listens to for new records. */
async function wakeChannels(): Promise<string[]> {
  return (await admin.pubsub('CHANNELS', `${host.keyPrefix}*wake`)) as string[];
}

const batch = (value: string, timestampMs = Date.now()): Buffer =>
  encodeBatch({ records: [{ value: Buffer.from(value), timestampMs }] });

async function produce(name: string, records: Buffer): Promise<[error: number, offset: number]> {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.send(Produce, 9, { acks: 1, timeoutMs: 5_000, topicData });
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
  return [errorCode, baseOffset];
}

function fetchRequest(topic: string, fetchOffset: number, maxWaitMs: number) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }];
  return { maxWaitMs, minBytes: 1, topics: [{ topic, partitions }] };
}

/** One fetch: its error, and the values that it brought, or as much as is asked for. */
async function fetch(topic: string, offset: number, maxWaitMs = 0, by = client) {
  const reply = await by.send(Fetch, 11, fetchRequest(topic, offset, maxWaitMs));
  const { errorCode, records, highWatermark } = reply.responses[0]!.partitions[0]!;
  const bytes = Buffer.isBuffer(records) ? records : Buffer.concat(records as Buffer[]);
  const values: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 12 + bytes.readInt32BE(at + 8);
    const decoded = isControl(bytes[at + 22]!) ? [] : decodeBatch(bytes.subarray(at, at + size));
    values.push(...decoded.map((record) => `${record.offset}:${record.value!.toString()}`));
    at += size;
  }
  return { errorCode, values, highWatermark };
}

async function offsetAt(timestamp: number, ...names: string[]) {
  const topics = names.map((name) => ({ name, partitions: [{ partitionIndex: 0, timestamp }] }));
  const reply = await client.send(ListOffsets, 7, { topics });
  return reply.topics.map(({ partitions }) => [partitions[0]!.errorCode, partitions[0]!.offset]);
}

it('ends a fetch on a topic that is deleted meanwhile, and leaves nothing behind', async () => {
  await create('short-lived');
  await produce('short-lived', batch('one'));
  const { wake } = keysOf('short-lived');
  const waiting = fetch('short-lived', 1, 30_000, other);
  await eventually(async () => (await wakeChannels()).includes(wake));
  await client.send(DeleteTopics, 5, { topicNames: ['short-lived'], timeoutMs: 5_000 });
  const { errorCode, values } = await waiting;
  expect([errorCode, values]).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, []]);
  await eventually(async () => (await wakeChannels()).length === 0);
});

it('tells that a search by time has met a corrupt batch, and searches the rest', async () => {
  await create('sound', 'spoilt');
  await produce('sound', batch('good', 1_000));
  const spoilt = batch('no gzip at all', 1_000);
  spoilt[22] = gzip;
  spoilt.writeUInt32BE(crc32c(spoilt.subarray(21)), 17);
  await storeUnchecked(host, 'spoilt', spoilt);
  expect(await offsetAt(500, 'spoilt', 'sound')).toEqual([
    [ErrorCode.CORRUPT_MESSAGE, -1],
    [ErrorCode.NONE, 0],
  ]);
});

it.each(['none', 'gzip'] as const)(
  'finds a record by its time where the client has put another into the header (%s)',
  async (compression) => {
    await create('unordered');
    const records = [100, 50].map((timestampMs) => ({ timestampMs, value: Buffer.from('x') }));
    const sent = encodeBatch({ records, compression });
    sent.writeBigInt64BE(50n, 35);
    sent.writeUInt32BE(crc32c(sent.subarray(21)), 17);
    expect(await produce('unordered', sent)).toEqual([ErrorCode.NONE, 0]);
    await produce('unordered', batch('later', 200));
    expect(await offsetAt(80, 'unordered')).toEqual([[ErrorCode.NONE, 0]]);
    expect((await fetch('unordered', 0)).values).toEqual(['0:x', '1:x', '2:later']);
  },
);

it('gives back what a fetch held that has failed', async () => {
  await create('broken', 'sound');
  await produce('broken', batch('lost'));
  await produce('sound', batch('good'));
  const { log } = keysOf('broken');
  await admin.del(log);
  await admin.set(log, 'not a stream');
  // From a second gateway, which has nothing of it in memory; together more than all may hold.
  const second = await startBroker({ redis, keyPrefix: host.keyPrefix });
  try {
    for (let i = 0; i < 6; i++) {
      const reader = await RawClient.connect(second.port);
      const request = fetchRequest('broken', 0, 0);
      request.topics[0]!.partitions[0]!.partitionMaxBytes = 0x7fff_ffff;
      await expect(reader.send(Fetch, 11, request)).rejects.toThrow('closed');
    }
    const reader = await RawClient.connect(second.port);
    const request = fetchRequest('sound', 0, 0);
    request.topics[0]!.partitions[0]!.partitionMaxBytes = 0x7fff_ffff;
    const reply = await reader.send(Fetch, 11, request);
    expect(reply.responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(0);
    await reader.close();
  } finally {
    await second.stop();
  }
});

it('serves and deletes from a Redis that was full before the gateway started', async () => {
  await create('kept');
  await produce('kept', batch('old'));
  await host.stop();
  await admin.config('SET', 'maxmemory', '1mb');
  host = await startBroker({ redis, keyPrefix: host.keyPrefix });
  await client.close();
  client = await RawClient.connect(host.port);
  expect(await fetch('kept', 0)).toMatchObject({ errorCode: 0, values: ['0:old'] });
  expect((await produce('kept', batch('new')))[0]).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  const topics = [{ name: 'kept', partitions: [{ partitionIndex: 0, offset: 1 }] }];
  const reply = await client.send(DeleteRecords, 2, { topics, timeoutMs: 5_000 });
  expect(reply.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: 1 });
  await admin.config('SET', 'maxmemory', '0');
  expect(await produce('kept', batch('new'))).toEqual([ErrorCode.NONE, 1]);
  expect((await fetch('kept', 0)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
});

it('gives no offset again of what a Redis has lost that came back with less', async () => {
  await create('events');
  for (const value of ['a', 'b']) await produce('events', batch(value));
  await admin.save();
  for (const value of ['c', 'd', 'e']) await produce('events', batch(value));
  expect((await fetch('events', 2)).values).toEqual(['2:c', '3:d', '4:e']);
  const waiting = fetch('events', 5, 20_000, other);
  await redis.restart();
  await eventually(async () => (await produce('events', batch('C')))[0] === ErrorCode.NONE);
  // It gets the next record, or that Redis is away, if it looked in between.
  const { errorCode, values } = await waiting;
  if (errorCode === ErrorCode.NONE) expect(values).toEqual(['5:C']);
  else expect(errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(await fetch('events', 0)).toMatchObject({
    values: ['0:a', '1:b', '5:C'],
    highWatermark: 6,
  });
  for (const offset of [2, 4, 5]) expect((await fetch('events', offset)).values).toEqual(['5:C']);
});
