import { decodeBatch, encodeBatch } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { startPowerCutRedis, type PowerCutRedis } from '@sluice/test/support/losses';
import { RawClient } from '@sluice/test/support/raw-client';
import { hasFewRights } from '@sluice/test/support/servers/setup';
import { CreateTopics, ErrorCode, Fetch, Produce } from '@sluice/wire';

let redis: PowerCutRedis;
let host: TestBroker;
let client: RawClient;

async function begin(appendfsync: string): Promise<void> {
  redis = await startPowerCutRedis({ args: ['--appendfsync', appendfsync] });
  // Redis syncs once a second, or later where it is busy.
  host = await startBroker({ redis, replicationTimeoutMs: 5_000 });
  client = await RawClient.connect(host.port);
}

afterEach(async () => {
  await client.close();
  await host.stop();
  await redis.stop();
});

async function makeTopic(copies = '1') {
  const configs = [
    { name: 'sluice.ack.disk', value: 'all' },
    { name: 'min.insync.replicas', value: copies },
  ];
  const topics = [{ name: 'synced', numPartitions: 1, replicationFactor: 1, configs }];
  const { errorCode, errorMessage } = (await client.send(CreateTopics, 7, { topics })).topics[0]!;
  return { errorCode, errorMessage };
}

async function produce(acks: number, value: string): Promise<number> {
  const records = encodeBatch({ records: [{ value: Buffer.from(value), timestampMs: 1_000 }] });
  const topicData = [{ name: 'synced', partitionData: [{ index: 0, records }] }];
  const { responses } = await client.send(Produce, 9, { acks, timeoutMs: 9_000, topicData });
  return responses[0]!.partitionResponses[0]!.errorCode;
}

/** The high watermark that consumers are told. */
async function readable(): Promise<number> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }];
  const topics = [{ topic: 'synced', partitions }];
  const reply = await client.send(Fetch, 12, { maxWaitMs: 0, minBytes: 1, topics });
  return reply.responses[0]!.partitions[0]!.highWatermark;
}

/** Cuts the power, and gives the values that are there afterwards. */
async function keptThroughPowerCut(): Promise<string[]> {
  await redis.powerCut();
  await redis.restart();
  const { Redis } = await import('ioredis');
  const after = new Redis(redis.adminUrl);
  const [key] = await after.keys(`${host.keyPrefix}*synced*:log`);
  const entries = await after.xrangeBuffer(key!, '-', '+');
  after.disconnect();
  return entries.map(([, [, bytes]]) => decodeBatch(bytes!)[0]!.value!.toString());
}

const describeWithRights = hasFewRights() ? describeRefusals : describe;

/** Neither WAITAOF nor CONFIG GET is among the rights that are needed. */
function describeRefusals(): void {
  it('a topic that asks for the disk is refused where Redis may not be asked of it', async () => {
    await begin('always');
    const { errorCode, errorMessage } = await makeTopic();
    expect(errorCode).toBe(ErrorCode.INVALID_CONFIG);
    expect(errorMessage).toMatch(/appendfsync is not known to be always/);
  });
}

describeWithRights('a topic that asks for the disk', () => {
  it('is had where every write is synced before it is answered', async () => {
    await begin('always');
    expect((await makeTopic()).errorCode).toBe(ErrorCode.NONE);
    expect(await produce(-1, 'a')).toBe(ErrorCode.NONE);
    expect(await readable()).toBe(1);
    expect(await keptThroughPowerCut()).toEqual(['a']);
  });

  it('acknowledges and shows what an fsync has put there, or is refused', async () => {
    await begin('everysec');
    const { product, version } = host.link.status();
    const [major, minor] = version.split('.').map(Number) as [number, number];
    const { errorCode, errorMessage } = await makeTopic();
    if (product === 'valkey' || major < 7 || (major === 7 && minor < 2)) {
      expect(errorCode).toBe(ErrorCode.INVALID_CONFIG);
      expect(errorMessage).toMatch(/^sluice\.ack\.disk: .*WAITAOF/);
      return;
    }
    expect(errorCode).toBe(ErrorCode.NONE);
    expect(await produce(-1, 'a')).toBe(ErrorCode.NONE);
    redis.stallDisk();
    expect(await produce(-1, 'b')).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    expect(await produce(1, 'c')).toBe(ErrorCode.NONE);
    expect(await readable()).toBe(1);
    redis.resumeDisk();
    await eventually(async () => (await readable()) === 3);
    expect(await keptThroughPowerCut()).toEqual(['a', 'b', 'c']);
  });

  it('writes nothing once Redis has no append-only file any more', async () => {
    await begin('always');
    expect((await makeTopic()).errorCode).toBe(ErrorCode.NONE);
    const { Redis } = await import('ioredis');
    const admin = new Redis(redis.adminUrl);
    await admin.config('SET', 'appendonly', 'no');
    await eventually(async () => (await produce(-1, 'a')) === ErrorCode.NOT_ENOUGH_REPLICAS);
    admin.disconnect();
  });
});
