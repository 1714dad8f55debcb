import type { LogFields } from '@sluice/base';
import { partitionKeys, type PartitionKeys } from '@sluice/log';
import { decodeBatch, encodeBatch } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { RawClient } from '@sluice/test/support/raw-client';
import { adminOf, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { CreateTopics, ErrorCode, Fetch, ListOffsets, Produce } from '@sluice/wire';

const topic = 'orders';
let redis: TestRedis;
let host: TestBroker;
let client: RawClient;
let keys: PartitionKeys;
let errors: [message: string, fields: LogFields | undefined][];

beforeEach(async () => {
  redis = await startRedis({ args: ['--appendonly', 'no'] });
  errors = [];
  const error = (message: string, fields?: LogFields): void => void errors.push([message, fields]);
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error };
  // Nothing is hot: what is removed from Redis is not served from memory.
  host = await startBroker({ redis, log, hotBytesMax: 0 });
  client = await RawClient.connect(host.port);
  const topics = [{ name: topic, numPartitions: 1, replicationFactor: 1 }];
  await client.send(CreateTopics, 7, { topics });
  const topicId = host.catalog.byName(topic)!.id;
  keys = partitionKeys(host.keyPrefix, { topic, topicId, partition: 0 });
  for (let i = 0; i < 6; i++) await produce(`value ${i}`);
});

afterEach(async () => {
  await client?.close();
  await host?.stop();
  await redis?.stop();
});

async function produce(value: string): Promise<void> {
  const records = encodeBatch({ records: [{ value: Buffer.from(value), timestampMs: 1 }] });
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.send(Produce, 9, { acks: 1, timeoutMs: 5_000, topicData });
  expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE);
}

/** One fetch that does not wait: its error, and what it brought. */
async function fetch(fetchOffset: number): Promise<[error: number, ...values: string[]]> {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }];
  const request = { maxWaitMs: 0, minBytes: 1, topics: [{ topic, partitions }] };
  const reply = await client.send(Fetch, 11, request);
  const { errorCode, records } = reply.responses[0]!.partitions[0]!;
  const bytes = Buffer.isBuffer(records) ? records : Buffer.concat(records as Buffer[]);
  const values: string[] = [];
  for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
    const batch = bytes.subarray(at, at + 12 + bytes.readInt32BE(at + 8));
    values.push(...decodeBatch(batch).map(({ value }) => value!.toString()));
  }
  return [errorCode, ...values];
}

async function logStart(): Promise<number> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -2 }] }];
  const reply = await client.send(ListOffsets, 5, { topics });
  return reply.topics[0]!.partitions[0]!.offset;
}

/** Removes the batch that ends at an offset. */
async function remove(offset: number): Promise<void> {
  const admin = await adminOf(redis);
  const [entry] = await admin.xrange(keys.log, offset, offset);
  await admin.xdel(keys.log, entry![0]);
}

describe('a stream of which something else than Sluice has removed batches', () => {
  it('is empty from its end on when all is gone, and goes on', async () => {
    await (await adminOf(redis)).del(keys.log);
    expect(await fetch(2)).toEqual([ErrorCode.OFFSET_OUT_OF_RANGE]);
    expect(await logStart()).toBe(6);
    expect(await fetch(6)).toEqual([ErrorCode.NONE]);
    await produce('next');
    expect(await fetch(6)).toEqual([ErrorCode.NONE, 'next']);
    expect(errors).toMatchObject([
      [expect.stringContaining('missing'), { topic, partition: 0, batches: 6, logStartOffset: 6 }],
    ]);
  });

  it('begins where there still is something', async () => {
    await (await adminOf(redis)).xtrim(keys.log, 'MINID', '4');
    expect(await fetch(0)).toEqual([ErrorCode.OFFSET_OUT_OF_RANGE]);
    expect(await fetch(3)).toEqual([ErrorCode.OFFSET_OUT_OF_RANGE]);
    expect(await logStart()).toBe(4);
    expect(await fetch(4)).toEqual([ErrorCode.NONE, 'value 4', 'value 5']);
    expect(errors).toMatchObject([
      [expect.stringContaining('missing'), { batches: 4, logStartOffset: 4, logEndOffset: 6 }],
    ]);
  });

  it('is read over a hole in it, which is told once each time', async () => {
    await remove(2);
    const rest = [ErrorCode.NONE, 'value 3', 'value 4', 'value 5'];
    expect(await fetch(2)).toEqual(rest);
    expect(await fetch(2)).toEqual(rest);
    expect(errors).toMatchObject([[expect.anything(), { batches: 1, logStartOffset: 0 }]]);
    await remove(4);
    expect(await fetch(2)).toEqual([ErrorCode.NONE, 'value 3', 'value 5']);
    expect(errors).toMatchObject([
      [expect.anything(), {}],
      [expect.anything(), { batches: 1 }],
    ]);
  });

  it('keeps a reader at a removed end waiting for what comes next', async () => {
    await remove(5);
    expect(await fetch(5)).toEqual([ErrorCode.NONE]);
    expect(errors).toHaveLength(1);
    await produce('next');
    expect(await fetch(5)).toEqual([ErrorCode.NONE, 'next']);
    expect(await logStart()).toBe(0);
  });
});
