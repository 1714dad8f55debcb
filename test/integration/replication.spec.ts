import { decodeBatch, encodeBatch } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { CreateTopics, ErrorCode, Produce } from '@sluice/wire';

let primary: TestRedis;
let replica: TestRedis;
let host: TestBroker;
let client: RawClient;

beforeAll(async () => {
  primary = await startRedis();
  replica = await startRedis({ replicaOf: primary });
  // A busy machine's replica may take its time; only the test that pauses it waits for so long.
  host = await startBroker({ redis: primary, replicationTimeoutMs: 5_000 });
  client = await RawClient.connect(host.port);
  const configs = [{ name: 'min.insync.replicas', value: '2' }];
  const topics = [
    { name: 'copied', numPartitions: 1, replicationFactor: 1, configs },
    { name: 'single', numPartitions: 1, replicationFactor: 1 },
  ];
  await client.send(CreateTopics, 7, { topics });
  await eventually(async () => (await host.link.replicaCount()) === 1, { what: 'replication' });
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await replica?.stop();
  await primary?.stop();
});

/** Produces one record and gives the partition's part of the reply. */
async function produce(name: string, acks: number, value = 'x') {
  const records = encodeBatch({
    records: [{ value: Buffer.from(value), timestampMs: Date.now() }],
  });
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.send(Produce, 9, { acks, timeoutMs: 5_000, topicData });
  return responses[0]!.partitionResponses[0]!;
}

/** Also of what is not for readers yet. */
async function logEnd(topic: string): Promise<number> {
  const { partitions } = host.broker.services;
  const { id: topicId } = host.catalog.byName(topic)!;
  return (await partitions.store.bounds({ topic, topicId, partition: 0 }))!.logEndOffset;
}

describe('acks=all with min.insync.replicas=2', () => {
  it('answers when a replica has the records', async () => {
    const { errorCode, baseOffset } = await produce('copied', -1, 'kept');
    expect([errorCode, baseOffset]).toEqual([ErrorCode.NONE, 0]);
    const copy = await eventually(async () => {
      const { Redis } = await import('ioredis');
      const redis = new Redis(replica.adminUrl);
      try {
        const [key] = await redis.keys(`${host.keyPrefix}*copied*:log`);
        return key ? (await redis.xrangeBuffer(key, '-', '+'))[0]?.[1][1] : undefined;
      } finally {
        redis.disconnect();
      }
    });
    expect(decodeBatch(copy)[0]!.value!.toString()).toBe('kept');
  });

  it('says that it is written, but by too few, when the replica does not answer', async () => {
    const before = await logEnd('copied');
    await replica.pause();
    try {
      const { errorCode } = await produce('copied', -1);
      expect(errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
      expect(await logEnd('copied')).toBe(before + 1);
      // Who asks for less is not held up, nor is another topic.
      expect((await produce('copied', 1)).errorCode).toBe(ErrorCode.NONE);
      expect((await produce('single', -1)).errorCode).toBe(ErrorCode.NONE);
    } finally {
      await replica.resume();
    }
    await eventually(async () => (await produce('copied', -1)).errorCode === ErrorCode.NONE);
  });

  it('writes nothing when no replica is connected', async () => {
    await replica.kill();
    await eventually(async () => (await host.link.replicaCount()) === 0);
    const before = await logEnd('copied');
    expect((await produce('copied', -1)).errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(await logEnd('copied')).toBe(before);
    await replica.restart();
    await eventually(async () => (await produce('copied', -1)).errorCode === ErrorCode.NONE);
  });
});
