import { askRedis } from '@sluice/test/support/ask-redis';
import { startBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { FailoverLoad, redisAt } from '@sluice/test/support/failover-load';
import { OffsetLedger } from '@sluice/test/support/offset-ledger';
import { RawClient } from '@sluice/test/support/raw-client';
import { WatchedRedis } from '@sluice/test/support/sentinels';
import { encodeBatch } from '@sluice/records';
import { ErrorCode, Produce } from '@sluice/wire';

describe('a gateway on a Redis that Sentinels watch, under load', () => {
  let watched: WatchedRedis;
  const ends: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    watched = await WatchedRedis.start({ args: ['--min-replicas-to-write', '1'] });
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await watched?.stop();
  });

  it('loses nothing that all copies had, and uses no offset twice', async () => {
    const redis = redisAt(watched.url);
    const load = await FailoverLoad.on(redis, { partitions: 4, inSync: 3, batches: 120 });
    load.begin();
    await load.progress();
    await watched.failover();
    await load.progress();
    const killed = await watched.primary();
    await killed.kill();
    await watched.promoted(killed);
    await killed.restart();
    await load.progress();
    const frozen = await watched.primary();
    await frozen.pause();
    await watched.promoted(frozen);
    await frozen.resume();
    await load.check();
    await load.gateway.stop();
  });

  it('refuses it once it was emptied, also where another server is promoted then', async () => {
    await watched.settled();
    const redis = redisAt(watched.url);
    const gateway = await startBroker({ redis });
    ends.push(() => gateway.stop());
    const ledger = new OffsetLedger();
    await ledger.createTopic(gateway.port);
    await ledger.produce(gateway.port, ['a', 'b']);
    await askRedis(await watched.primary(), 'FLUSHALL');
    const isRefused = async () => (await produceCode(gateway.port)) === refusal;
    await eventually(isRefused);
    await watched.failover();
    await eventually(isRefused);
    const { keyPrefix } = gateway;
    // The note of that has come along.
    const next = (): Promise<unknown> => startBroker({ redis, keyPrefix });
    await expect(next()).rejects.toMatchObject({ problem: 'emptied' });
    expect(await isRefused()).toBe(true);
    expect(gateway.catalog.list().map(({ name }) => name)).toEqual(['orders']);
  });
});

const refusal = ErrorCode.KAFKA_STORAGE_ERROR;

async function produceCode(port: number): Promise<number> {
  const client = await RawClient.connect(port);
  const records = encodeBatch({ records: [{ timestampMs: 1, value: Buffer.from('x') }] });
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records }] }];
  const reply = await client.send(Produce, 7, { acks: 1, timeoutMs: 1_000, topicData });
  await client.close();
  return reply.responses[0]!.partitionResponses[0]!.errorCode;
}
