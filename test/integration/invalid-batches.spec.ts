import { decodeBatch, readBatchHeader } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import {
  batchAround,
  pack,
  packings,
  rawBatch,
  rawRecord,
  varint,
  type Packing,
  type RawRecord,
} from '@sluice/test/support/raw-batches';
import { RawClient } from '@sluice/test/support/raw-client';
import { sharedRedis } from '@sluice/test/support/redis';
import { CreateTopics, ErrorCode, Fetch, ListOffsets, Produce } from '@sluice/wire';

const now = Date.now();
const MiB = 1024 * 1024;
const { NONE, INVALID_RECORD, INVALID_TIMESTAMP } = ErrorCode;

let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  host = await startBroker();
  client = await RawClient.connect(host.port);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await (await sharedRedis()).stop();
});

async function create(name: string, configs: Record<string, string> = {}): Promise<void> {
  const listed = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const topic = { name, numPartitions: 1, replicationFactor: 1, configs: listed };
  const reply = await client.send(CreateTopics, 7, { topics: [topic] });
  expect(reply.topics[0]!.errorCode).toBe(NONE);
}

async function produce(name: string, records: Buffer) {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const reply = await client.send(Produce, 8, { acks: 1, timeoutMs: 1000, topicData });
  return reply.responses[0]!.partitionResponses[0]!;
}

async function logEnd(name: string): Promise<number> {
  const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
  const reply = await client.send(ListOffsets, 5, { topics });
  return reply.topics[0]!.partitions[0]!.offset;
}

async function firstAtOrAfter(name: string, timestamp: number) {
  const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp }] }];
  const reply = await client.send(ListOffsets, 5, { topics });
  return reply.topics[0]!.partitions[0]!;
}

async function stored(name: string): Promise<Buffer> {
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 8 * MiB };
  const topics = [{ topic: name, partitions: [partition] }];
  const request = { maxWaitMs: 0, minBytes: 1, maxBytes: 8 * MiB, topics };
  const reply = await client.send(Fetch, 11, request);
  return reply.responses[0]!.partitions[0]!.records!;
}

/** Two records, the second of which is as given. */
function two(record: RawRecord): Buffer[] {
  return [rawRecord(0), rawRecord(1, record)];
}

const one = Buffer.from([2]);
/** A header whose name has the given length, and a null value. */
const named = (nameBytes: number) => Buffer.concat([varint(nameBytes), varint(-1)]);

const contradictions: [what: string, code: number, build: (packing: Packing) => Buffer][] = [
  ['a count of five for two records', INVALID_RECORD, (packing) => fiveOfTwo(packing)],
  [
    'a count of one for two records',
    INVALID_RECORD,
    (packing) => rawBatch(two({}), { packing, baseTimestampMs: now, recordCount: 1 }),
  ],
  [
    'bytes after the last record',
    INVALID_RECORD,
    (packing) => rawBatch([rawRecord(0), one], { packing, baseTimestampMs: now, recordCount: 1 }),
  ],
  ['a record that is longer than it says', INVALID_RECORD, (p) => bad(p, { lengthOff: -1 })],
  ['a record that is shorter than it says', INVALID_RECORD, (p) => bad(p, { lengthOff: 1 })],
  ['bytes at the end of a record', INVALID_RECORD, (p) => bad(p, { trailing: one })],
  ['an offset that is there already', INVALID_RECORD, (p) => bad(p, { offsetDelta: 0 })],
  ['an offset beyond the batch', INVALID_RECORD, (p) => bad(p, { offsetDelta: 7 })],
  ['a negative offset delta', INVALID_RECORD, (p) => bad(p, { offsetDelta: -1 })],
  ['a key longer than the record', INVALID_RECORD, (p) => bad(p, { key: 5000 })],
  ['a key of a negative length', INVALID_RECORD, (p) => bad(p, { key: -2 })],
  ['a value longer than the record', INVALID_RECORD, (p) => bad(p, { value: 5000 })],
  ['a value of a negative length', INVALID_RECORD, (p) => bad(p, { value: -2 })],
  ['a negative header count', INVALID_RECORD, (p) => bad(p, { headerCount: -1 })],
  ['a header count beyond the record', INVALID_RECORD, (p) => bad(p, { headerCount: 9 })],
  [
    'a header name that is null',
    INVALID_RECORD,
    (p) => bad(p, { headerCount: 1, headers: named(-1) }),
  ],
  [
    'a header name of a negative length',
    INVALID_RECORD,
    (p) => bad(p, { headerCount: 1, headers: named(-7) }),
  ],
  [
    'a header value of a negative length',
    INVALID_RECORD,
    (p) => bad(p, { headerCount: 1, headers: Buffer.concat([varint(0), varint(-2)]) }),
  ],
  [
    'a time in nanoseconds',
    INVALID_TIMESTAMP,
    (packing) => {
      const baseTimestampMs = BigInt(now) * 1_000_000n;
      return rawBatch([rawRecord(0)], { packing, baseTimestampMs });
    },
  ],
  [
    'a time that is too far from the first',
    INVALID_TIMESTAMP,
    (p) => bad(p, { timestampDelta: 2n ** 62n }),
  ],
  [
    'a time in the middle beyond the bounds of the topic',
    INVALID_TIMESTAMP,
    (packing) => {
      const records = [rawRecord(0), rawRecord(1, { timestampDelta: 7_200_000 }), rawRecord(2)];
      return rawBatch(records, { packing, baseTimestampMs: now });
    },
  ],
];

function bad(packing: Packing, record: RawRecord): Buffer {
  return rawBatch(two(record), { packing, baseTimestampMs: now });
}

function fiveOfTwo(packing: Packing): Buffer {
  return rawBatch(two({}), { packing, baseTimestampMs: now, recordCount: 5 });
}

describe.each(packings)('packed as %s', (packing) => {
  const good = () => rawBatch([rawRecord(0)], { packing, baseTimestampMs: now });

  it.each(contradictions)('%s is refused, and nothing is stored', async (what, code, build) => {
    const name = `${packing}-${what.replaceAll(' ', '-')}`;
    await create(name);
    expect(await produce(name, good())).toMatchObject({ errorCode: NONE, baseOffset: 0 });
    const answer = await produce(name, build(packing));
    expect(answer).toMatchObject({ errorCode: code, baseOffset: -1 });
    expect(answer.errorMessage).toMatch(/\w+ \w+/);
    expect(await produce(name, good())).toMatchObject({ errorCode: NONE, baseOffset: 1 });
    expect(await logEnd(name)).toBe(2);
  });

  it('the largest time is that of its records, whatever its header says', async () => {
    const name = `${packing}-largest-time`;
    await create(name);
    const records = [0, 6000, 2000].map((timestampDelta, i) => rawRecord(i, { timestampDelta }));
    const sent = (maxTimestampMs: number) =>
      rawBatch(records, { packing, baseTimestampMs: now, maxTimestampMs });
    expect((await produce(name, sent(now + 2000))).errorCode).toBe(NONE);
    expect(await firstAtOrAfter(name, now + 3000)).toMatchObject({
      offset: 1,
      timestamp: now + 6000,
    });
    const batch = await stored(name);
    expect(readBatchHeader(batch).maxTimestampMs).toBe(now + 6000);
    expect(decodeBatch(batch)).toHaveLength(3);
    // One that is too late would keep its records for too long, and is outside the topic's bounds.
    expect((await produce(name, sent(now + 10 ** 9))).errorCode).toBe(NONE);
    expect(await firstAtOrAfter(name, now + 6001)).toMatchObject({ offset: -1 });
  });

  it('a record without a key is refused in a compacted topic, and named', async () => {
    const name = `${packing}-compacted`;
    await create(name, { 'cleanup.policy': 'delete,compact' });
    const keyless = { key: -1 };
    const records = [rawRecord(0), rawRecord(1, keyless), rawRecord(2), rawRecord(3, keyless)];
    const answer = await produce(name, rawBatch(records, { packing, baseTimestampMs: now }));
    expect(answer).toMatchObject({ errorCode: INVALID_RECORD, baseOffset: -1 });
    expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1, 3]);
    expect(answer.recordErrors[0]!.batchIndexErrorMessage).toContain('without key');
    expect(answer.errorMessage).toContain('2 record errors');
    expect((await produce(name, good())).errorCode).toBe(NONE);
    expect(await logEnd(name)).toBe(1);
  });
});

/** A batch of one record with a value of so many bytes. */
function sized(bytes: number, packing: Packing): Buffer {
  return rawBatch([rawRecord(0, { value: Buffer.alloc(bytes) })], {
    packing,
    baseTimestampMs: now,
  });
}

it('a compressed batch has no larger record than its topic allows', async () => {
  await create('large-records', { 'max.decompressed.message.bytes': '1000' });
  expect((await produce('large-records', sized(1000, 'none'))).errorCode).toBe(NONE);
  for (const packing of packings.slice(1)) {
    expect((await produce('large-records', sized(900, packing))).errorCode).toBe(NONE);
    const answer = await produce('large-records', sized(1000, packing));
    expect(answer).toMatchObject({ errorCode: INVALID_RECORD, baseOffset: -1 });
  }
});

it('formats 0 and 1, and more than one batch, are invalid records, as in Kafka', async () => {
  await create('formats');
  const good = rawBatch([rawRecord(0)], { baseTimestampMs: now });
  for (const magic of [0, 1, 3]) {
    const old = Buffer.from(good);
    old[16] = magic;
    expect((await produce('formats', old)).errorCode).toBe(INVALID_RECORD);
  }
  const twice = Buffer.concat([good, good]);
  expect((await produce('formats', twice)).errorCode).toBe(INVALID_RECORD);
  expect(await logEnd('formats')).toBe(0);
});

it('a large batch that is opened elsewhere keeps its place before those after it', async () => {
  await create('order', { 'max.message.bytes': `${8 * MiB}` });
  await create('meanwhile');
  const values = [2_000_000, 5, 300_000, 5, 1_000_000];
  const sent = values.map((bytes, i) => {
    const packing = bytes > 5 ? packings[1 + (i % 5)]! : 'none';
    const record = rawRecord(0, { key: Buffer.from(`${i}`), value: Buffer.alloc(bytes, i) });
    return produce('order', rawBatch([record], { packing, baseTimestampMs: now }));
  });
  const other = produce('meanwhile', rawBatch([rawRecord(0)], { baseTimestampMs: now }));
  const replies = await Promise.all(sent);
  expect(replies.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual(
    values.map((_, i) => [NONE, i]),
  );
  expect((await other).errorCode).toBe(NONE);
});

describe.each(packings.slice(1))('what does not unpack as %s', (packing) => {
  it.each<[string, (packed: Buffer) => Buffer]>([
    ['three bytes', () => Buffer.from([1, 2, 3])],
    ['no bytes', () => Buffer.alloc(0)],
    ['bytes of ones', (packed) => Buffer.alloc(packed.length, 0xff)],
    ['all but the last byte', (packed) => packed.subarray(0, -1)],
    ['a changed first byte', (packed) => changedAt(packed, 0)],
  ])('is refused: %s', async (what, change) => {
    const name = `${packing}-${what.replaceAll(' ', '-')}`;
    await create(name);
    const packed = pack(packing, Buffer.concat(two({})));
    const body = change(Buffer.from(packed));
    const batch = batchAround(body, { packing, baseTimestampMs: now, recordCount: 2 });
    const { errorCode } = await produce(name, batch);
    expect(errorCode).toBe(INVALID_RECORD);
    expect(await logEnd(name)).toBe(0);
  });
});

function changedAt(bytes: Buffer, at: number): Buffer {
  bytes[at]! ^= 0xff;
  return bytes;
}
