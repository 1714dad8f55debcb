import { silentLogger, type LogFields } from '@sluice/base';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { OffsetLedger } from '@sluice/test/support/offset-ledger';
import { RawClient } from '@sluice/test/support/raw-client';
import { type TestRedis, adminOf, startRedis } from '@sluice/test/support/redis';
import { askRedis } from '@sluice/test/support/ask-redis';
import { encodeBatch } from '@sluice/records';
import { CreateTopics, ErrorCode, InitProducerId, Metadata, Produce } from '@sluice/wire';

describe('a Redis that was emptied', () => {
  let redis: TestRedis;
  let gateway: TestBroker;
  let ledger: OffsetLedger;
  let errors: { message: string; fields: LogFields }[];

  beforeEach(async () => {
    redis = await startRedis();
    errors = [];
    const error = (message: string, fields: LogFields = {}) =>
      void errors.push({ message, fields });
    gateway = await startBroker({ redis, log: { ...silentLogger, error } });
    ledger = new OffsetLedger();
    await ledger.createTopic(gateway.port);
    await ledger.produce(gateway.port, ['a', 'b', 'c']);
  });
  afterEach(() => redis?.stop());

  const startNext = (acceptEmptyRedis: boolean): Promise<TestBroker> =>
    startBroker({ redis, keyPrefix: gateway.keyPrefix, logOptions: { acceptEmptyRedis } });

  async function ask<T>(use: (client: RawClient) => Promise<T>): Promise<T> {
    const client = await RawClient.connect(gateway.port);
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  }

  async function produceCode(): Promise<number> {
    const records = encodeBatch({ records: [{ timestampMs: 1, value: Buffer.from('x') }] });
    const topicData = [{ name: 'orders', partitionData: [{ index: 0, records }] }];
    const asked = { acks: 1, timeoutMs: 1_000, topicData };
    const reply = await ask((client) => client.send(Produce, 7, asked));
    return reply.responses[0]!.partitionResponses[0]!.errorCode;
  }

  it('is refused while the gateway runs, with one line that says what is gone', async () => {
    await askRedis(redis.peer, 'FLUSHALL');
    await eventually(async () => (await produceCode()) === ErrorCode.KAFKA_STORAGE_ERROR);
    const topics = [{ name: 'new', numPartitions: 1, replicationFactor: 1 }];
    const created = await ask((client) => client.send(CreateTopics, 7, { topics }));
    expect(created.topics[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const init = { transactionalId: null, transactionTimeoutMs: 1_000 };
    // The rest of a block may still be given out.
    await ask((client) => client.send(InitProducerId, 1, init));
    const known = await ask((client) => client.send(Metadata, 9, { topics: null }));
    expect(known.topics.map(({ name }) => name)).toEqual(['orders']);
    const told = errors.filter(({ message }) => message.startsWith('Redis is empty'));
    expect(told).toHaveLength(1);
    expect(told[0]!.fields).toMatchObject({ topics: 1 });
  });

  it('is refused by the next gateway as well, until it is told to begin anew', async () => {
    await askRedis(redis.peer, 'FLUSHALL');
    await eventually(async () => (await produceCode()) === ErrorCode.KAFKA_STORAGE_ERROR);
    await eventually(() => errors.length > 0);
    const note = `${gateway.keyPrefix}{registry}:emptied`;
    const admin = await adminOf(redis);
    await eventually(async () => (await admin.exists(note)) === 1);
    await gateway.stop();
    await expect(startNext(false)).rejects.toMatchObject({ problem: 'emptied' });
    await expect(startNext(false)).rejects.toThrow('its 1 topics are gone');
    const next = await startNext(true);
    expect(next.clusterId).not.toBe(gateway.clusterId);
    expect(next.catalog.list()).toEqual([]);
    await next.stop();
    await (await startNext(false)).stop();
  });

  it('is served again when its data is back', async () => {
    const key = `${gateway.keyPrefix}{registry}:cluster-id`;
    const admin = await adminOf(redis);
    await admin.rename(key, 'elsewhere');
    await eventually(() => errors.length > 0);
    expect(await produceCode()).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    await admin.rename('elsewhere', key);
    expect(await ledger.produce(gateway.port, ['d'])).toEqual([3]);
  });
});
