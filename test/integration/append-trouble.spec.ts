import { encodeBatch } from '@sluice/records';
import { askRedis } from '@sluice/test/support/ask-redis';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { CreateTopics, ErrorCode, Produce } from '@sluice/wire';

let redis: TestRedis;
let host: TestBroker;
let client: RawClient;
let lines: string[];

beforeEach(async () => {
  redis = await startRedis();
  lines = [];
  const keep = (message: string, fields?: object): void => {
    if (message.includes('appends fail')) lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log = { debug: () => {}, info: keep, warn: keep, error: keep };
  host = await startBroker({ redis, log });
  client = await RawClient.connect(host.port);
  const topics = [{ name: 'orders', numPartitions: 1, replicationFactor: 1 }];
  await client.send(CreateTopics, 7, { topics });
});

afterEach(async () => {
  await client?.close();
  await host?.stop();
  await redis?.stop();
});

async function produce(): Promise<number> {
  const records = encodeBatch({ records: [{ value: Buffer.alloc(100), timestampMs: 1 }] });
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records }] }];
  const { responses } = await client.send(Produce, 9, { acks: 1, timeoutMs: 5_000, topicData });
  return responses[0]!.partitionResponses[0]!.errorCode;
}

describe('a Redis that refuses appends', () => {
  it('leaves a line in the log when that begins, and one when it is over', async () => {
    expect(await produce()).toBe(ErrorCode.NONE);
    await askRedis(redis, 'CONFIG SET maxmemory 1');
    for (let i = 0; i < 5; i++) expect(await produce()).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('OOM');
    await askRedis(redis, 'CONFIG SET maxmemory 0');
    expect(await produce()).toBe(ErrorCode.NONE);
    // The broker's end is the end of the trouble too.
    await client.close();
    await host.stop();
    await eventually(() => lines.length === 2);
    expect(lines[1]).toContain('"times":5');
  });
});
