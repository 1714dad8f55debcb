import { encodeBatch } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { RawClient } from '@sluice/test/support/raw-client';
import { freshPrefix, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { CreateTopics, ErrorCode, Fetch, ListOffsets, Produce } from '@sluice/wire';

let redis: TestRedis;
let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  redis = await startRedis();
  const keyPrefix = freshPrefix();
  const { Redis } = await import('ioredis');
  const admin = new Redis(redis.adminUrl);
  const rights = [`~${keyPrefix}*`, '+@all', 'allchannels'];
  await admin.acl('SETUSER', 'gateway', 'on', '>secret', ...rights);
  const url = `redis://gateway:secret@${redis.host}:${redis.port}`;
  host = await startBroker({ redis: { ...redis, url, beforeStop: redis.beforeStop }, keyPrefix });
  // What remains are the registry's channels, and none of the partitions'.
  await admin.acl('SETUSER', 'gateway', 'resetchannels', `&${keyPrefix}{registry}*`);
  admin.disconnect();
  client = await RawClient.connect(host.port);
  const topics = ['small', 'large'].map((name) => {
    return { name, numPartitions: 1, replicationFactor: 1 };
  });
  await client.send(CreateTopics, 7, { topics });
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await redis?.stop();
});

async function produce(name: string, valueBytes: number): Promise<[error: number, offset: number]> {
  const records = encodeBatch({ records: [{ value: Buffer.alloc(valueBytes), timestampMs: 1 }] });
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const request = { acks: 1, timeoutMs: 5_000, topicData };
  const { responses } = await client.send(Produce, 9, request);
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
  return [errorCode, baseOffset];
}

async function logEnd(name: string): Promise<number> {
  const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
  const reply = await client.send(ListOffsets, 5, { topics });
  return reply.topics[0]!.partitions[0]!.offset;
}

describe('a Redis user without rights on the channels of partitions', () => {
  it.each([
    ['small', 10],
    ['large', 100_000],
  ])('has each %s batch stored once, and answered so', async (name, valueBytes) => {
    // The first large ones go through Lua, the others past it.
    for (let offset = 0; offset < 6; offset++) {
      expect(await produce(name, valueBytes)).toEqual([ErrorCode.NONE, offset]);
    }
    expect(await logEnd(name)).toBe(6);
  });

  it('lets a fetch wait for what is appended', async () => {
    const end = await logEnd('small');
    const partitions = [{ partition: 0, fetchOffset: end, partitionMaxBytes: 1_000_000 }];
    const topics = [{ topic: 'small', partitions }];
    const waiting = client.send(Fetch, 11, { maxWaitMs: 20_000, minBytes: 1, topics });
    const other = await RawClient.connect(host.port);
    const records = encodeBatch({ records: [{ value: Buffer.from('late'), timestampMs: 1 }] });
    const topicData = [{ name: 'small', partitionData: [{ index: 0, records }] }];
    await other.send(Produce, 9, { acks: 1, timeoutMs: 5_000, topicData });
    const { responses } = await waiting;
    expect(responses[0]!.partitions[0]!.highWatermark).toBe(end + 1);
    await other.close();
  });
});
