import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, type LogFields } from '@sluice/base';
import { partitionKeys, registryKeys } from '@sluice/log';
import { encodeBatch } from '@sluice/records';
import { slotOf } from '@sluice/redis';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { redisAt } from '@sluice/test/support/failover-load';
import { RawClient } from '@sluice/test/support/raw-client';
import { TestCluster } from '@sluice/test/support/redis-cluster';
import { ErrorCode, Fetch, Produce } from '@sluice/wire';

const topic = 'orders';
/** So many that each server has some. */
const partitions = 24;
/** Records in each partition that is looked at. */
const written = 5;
const saidOfEmpty = 'a server of the Redis Cluster is empty';
const { NONE, KAFKA_STORAGE_ERROR } = ErrorCode;

let cluster: TestCluster;
let writer: TestBroker;
/** A gateway that has written nothing. */
let reader: TestBroker;
/** What the reader has said of servers that are empty. */
let told: { message: string; fields: LogFields }[];

beforeAll(async () => {
  cluster = await TestCluster.start({ replicas: 0 });
  const redis = redisAt(cluster.url);
  writer = await startBroker({ redis });
  await eventually(() => writer.catalog.create({ name: topic, partitions }));
  told = [];
  const error = (message: string, fields: LogFields = {}) => void told.push({ message, fields });
  const log = { ...silentLogger, error };
  reader = await startBroker({ redis, keyPrefix: writer.keyPrefix, brokerId: 2, log });
});
afterAll(async () => {
  await Promise.all([writer?.stop(), reader?.stop()]);
  await cluster?.stop();
});

const metaOf = (partition: number): string => {
  const { id } = writer.catalog.list()[0]!;
  return partitionKeys(writer.keyPrefix, { topic, topicId: id, partition }).meta;
};
const all = Array.from({ length: partitions }, (_, partition) => partition);

/** A partition of each server; the first server has the registry of topics, too. */
function partitionPerServer(): [number, number, number] {
  const { link, keyPrefix } = writer;
  const registry = link.shardOf(registryKeys(keyPrefix).topics);
  const others = link.shards.filter((shard) => shard !== registry);
  const found = [registry, ...others].map((shard) =>
    all.find((partition) => link.shardOf(metaOf(partition)) === shard),
  );
  return found as [number, number, number];
}

async function produce({ port }: TestBroker, index: number) {
  const client = await RawClient.connect(port);
  const records = encodeBatch({ records: [{ timestampMs: 1, value: Buffer.from('x') }] });
  const topicData = [{ name: topic, partitionData: [{ index, records }] }];
  const reply = await client.send(Produce, 7, { acks: 1, timeoutMs: 1_000, topicData });
  await client.close();
  return reply.responses[0]!.partitionResponses[0]!;
}

async function produceCode(gateway: TestBroker, index: number): Promise<number> {
  return (await produce(gateway, index)).errorCode;
}

async function fetchCode({ port }: TestBroker, partition: number): Promise<number> {
  const client = await RawClient.connect(port);
  const asked = [{ partition, fetchOffset: 0, partitionMaxBytes: 1_000 }];
  const topics = [{ topic, partitions: asked }];
  const reply = await client.send(Fetch, 11, { maxWaitMs: 10, minBytes: 1, maxBytes: 9, topics });
  await client.close();
  return reply.responses[0]!.partitions[0]!.errorCode;
}

const isRefused = async (gateway: TestBroker, partition: number): Promise<boolean> => {
  const refusal = KAFKA_STORAGE_ERROR;
  if ((await fetchCode(gateway, partition)) !== refusal) return false;
  return (await produceCode(gateway, partition)) === refusal;
};

/** A server whose data are gone, while it runs or while it is away. */
async function empty(partition: number, isAway: boolean): Promise<void> {
  const owner = await cluster.ownerOf(slotOf(metaOf(partition)));
  if (!isAway) return void (await cluster.ask(owner, 'FLUSHALL'));
  await owner.server.kill();
  rmSync(join(owner.server.dataFolder, 'appendonlydir'), { recursive: true });
  await owner.server.restart();
  await cluster.isWhole(0);
}

const ofEmpty = () => told.filter(({ message }) => message.startsWith(saidOfEmpty));

it('is refused by all, and what the other servers have is served', async () => {
  const [ofRegistry, flushed, restarted] = partitionPerServer();
  for (const partition of [ofRegistry, flushed, restarted]) {
    for (let n = 0; n < written; n++) expect(await produceCode(writer, partition)).toBe(NONE);
  }
  await empty(flushed, false);
  // Each finds it out by itself, be it that it writes or that it reads.
  await eventually(async () => (await produceCode(writer, flushed)) === KAFKA_STORAGE_ERROR);
  await eventually(async () => (await fetchCode(reader, flushed)) === KAFKA_STORAGE_ERROR);
  for (const gateway of [writer, reader]) {
    await eventually(() => isRefused(gateway, flushed));
    for (const going of [ofRegistry, restarted]) {
      expect(await produceCode(gateway, going)).toBe(NONE);
      expect(await fetchCode(gateway, going)).toBe(NONE);
    }
  }
  await empty(restarted, true);
  for (const gateway of [writer, reader]) {
    await eventually(() => isRefused(gateway, restarted));
    expect(await produceCode(gateway, ofRegistry)).toBe(NONE);
  }
  // Until it was looked at, a server that came back is refused anyway.
  await eventually(() => ofEmpty().length === 2);
  for (const { fields } of ofEmpty()) expect(fields.partitions).toBeGreaterThan(0);
});

it('is refused by who starts later, until it is told to begin anew', async () => {
  const [ofRegistry, flushed, restarted] = partitionPerServer();
  const next = { redis: writer.redis, keyPrefix: writer.keyPrefix, brokerId: 3 };
  const refusing = await eventually(() => startBroker(next));
  expect(await fetchCode(refusing, flushed)).toBe(KAFKA_STORAGE_ERROR);
  expect(await produceCode(refusing, restarted)).toBe(KAFKA_STORAGE_ERROR);
  expect(await produceCode(refusing, ofRegistry)).toBe(NONE);
  await refusing.stop();
  const anew = { ...next, logOptions: { acceptEmptyRedis: true } };
  const beginning = await eventually(() => startBroker(anew));
  for (const partition of all) expect(await produceCode(beginning, partition)).toBe(NONE);
  await beginning.stop();
  // Whoever knew how far the logs had reached lets them go on behind that.
  for (const partition of [flushed, restarted]) {
    await eventually(async () => (await produceCode(writer, partition)) === NONE);
    const { baseOffset } = await produce(writer, partition);
    expect(baseOffset).toBeGreaterThanOrEqual(written);
  }
});

it('takes everything with it where it has the registry', async () => {
  const [ofRegistry, ...others] = partitionPerServer();
  await empty(ofRegistry, false);
  for (const partition of [ofRegistry, ...others]) {
    await eventually(() => isRefused(reader, partition));
  }
});
