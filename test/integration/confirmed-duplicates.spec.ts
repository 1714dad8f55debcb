import { encodeBatch } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { freshPrefix, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import { CreateTopics, ErrorCode, Produce } from '@sluice/wire';

// Servers differ in what WAIT covers.
describe('a duplicate that has to be confirmed', () => {
  const name = 'copied';
  const keyPrefix = freshPrefix();
  let primary: TestRedis;
  let replica: TestRedis;
  let proxy: TcpProxy;
  const hosts: TestBroker[] = [];

  beforeAll(async () => {
    primary = await startRedis();
    proxy = new TcpProxy(primary.peer);
    const port = await proxy.start();
    replica = await startRedis({ replicaOf: { host: '127.0.0.1', port } });
  });

  afterAll(async () => {
    for (const host of hosts) await host.stop();
    await replica?.stop();
    await proxy?.stop();
    await primary?.stop();
  });

  async function gateway(): Promise<RawClient> {
    // Long enough for a replica on a busy machine; each test waits it out three times.
    const host = await startBroker({ redis: primary, keyPrefix, replicationTimeoutMs: 2_000 });
    hosts.push(host);
    await eventually(async () => (await host.link.replicaCount()) === 1, { what: 'replication' });
    return RawClient.connect(host.port);
  }

  /** Sends the producer's n-th batch, and gives the error code of the reply. */
  async function produce(client: RawClient, n: number): Promise<number> {
    const records = encodeBatch({
      records: [{ value: Buffer.from(`${n}`), timestampMs: 1_700_000_000_000 }],
      producerId: 77,
      producerEpoch: 0,
      baseSequence: n,
    });
    const topicData = [{ name, partitionData: [{ index: 0, records }] }];
    const request = { acks: -1, timeoutMs: 5_000, topicData };
    const { responses } = await client.send(Produce, 9, request);
    return responses[0]!.partitionResponses[0]!.errorCode;
  }

  it('is not acknowledged before a replica has what was written for it', async () => {
    const before = await gateway();
    const configs = [{ name: 'min.insync.replicas', value: '2' }];
    const topics = [{ name, numPartitions: 1, replicationFactor: 1, configs }];
    await before.send(CreateTopics, 7, { topics });
    await eventually(async () => (await produce(before, 0)) === ErrorCode.NONE);
    proxy.hold();
    expect(await produce(before, 1)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    expect(await produce(before, 1)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    await before.close();
    await hosts.pop()!.stop();
    // Its connections have written nothing yet.
    const after = await gateway();
    expect(await produce(after, 1)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    proxy.letGo();
    await eventually(async () => (await produce(after, 1)) === ErrorCode.NONE);
    const { Redis } = await import('ioredis');
    const copy = new Redis(replica.adminUrl);
    const [key] = await copy.keys(`${keyPrefix}*:log`);
    expect(await copy.xlen(key!)).toBe(2);
    copy.disconnect();
    await after.close();
  });
});
