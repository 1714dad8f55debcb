import { encodeBatch } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { trimElsewhere } from '@sluice/test/support/other-trimmer';
import { RawClient } from '@sluice/test/support/raw-client';
import { CreateTopics, DeleteTopics, ErrorCode, Fetch, ListOffsets, Produce } from '@sluice/wire';

const dayMs = 86_400_000;

let host: TestBroker;
let client: RawClient;
let topicNumber = 0;

beforeAll(async () => {
  host = await startBroker();
  client = await RawClient.connect(host.port);
});

afterAll(async () => {
  await client?.close();
  await host?.stop();
  await host?.redis.stop();
});

async function newTopic(configs: Record<string, string> = {}, partitions = 1): Promise<string> {
  const name = `topic-${topicNumber++}`;
  const given = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const topics = [{ name, numPartitions: partitions, replicationFactor: 1, configs: given }];
  const made = await client.send(CreateTopics, 7, { topics });
  expect(made.topics[0]!.errorCode).toBe(ErrorCode.NONE);
  return name;
}

/** Produces batches of one record, of these ages. */
async function produce(name: string, ...agesMs: number[]): Promise<void> {
  for (const ageMs of agesMs) {
    const value = Buffer.alloc(1_000, 'x');
    const records = encodeBatch({ records: [{ value, timestampMs: Date.now() - ageMs }] });
    const topicData = [{ name, partitionData: [{ index: 0, records }] }];
    const { responses } = await client.send(Produce, 9, { acks: 1, timeoutMs: 5_000, topicData });
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE);
  }
}

async function fetch(topic: string, fetchOffset: number, maxWaitMs = 0, by = client) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }];
  const request = { maxWaitMs, minBytes: 1, topics: [{ topic, partitions }] };
  const reply = await by.send(Fetch, 11, request);
  return reply.responses[0]!.partitions[0]!;
}

async function startOf(name: string): Promise<number> {
  const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp: -2 }] }];
  const reply = await client.send(ListOffsets, 5, { topics });
  return reply.topics[0]!.partitions[0]!.offset;
}

describe('what another process has trimmed', () => {
  it('is out of range at once, though it was hot here', async () => {
    const topic = await newTopic();
    await produce(topic, 9 * dayMs, 8 * dayMs, 0);
    expect(await fetch(topic, 0)).toMatchObject({ errorCode: ErrorCode.NONE, logStartOffset: 0 });
    expect(await trimElsewhere(host, topic)).toMatchObject({ records: 2 });
    expect(await startOf(topic)).toBe(2);
    expect(await fetch(topic, 0)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
    expect(await fetch(topic, 1)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
    expect(await fetch(topic, 2)).toMatchObject({ errorCode: ErrorCode.NONE, logStartOffset: 2 });
  });

  it('is known to a fetch that waits, which goes on waiting for what comes', async () => {
    const topic = await newTopic();
    await produce(topic, 9 * dayMs, 8 * dayMs);
    const reader = await RawClient.connect(host.port);
    const { wake } = wakeOf(topic);
    const waiting = fetch(topic, 2, 60_000, reader);
    // It hears what others publish from now on.
    const isHeard = async () => (await host.link.write.publish(wake, '2 0 2 0')) > 0;
    await eventually(isHeard);
    await trimElsewhere(host, topic);
    expect(await startOf(topic)).toBe(2);
    await produce(topic, 0);
    const { errorCode, logStartOffset, highWatermark } = await waiting;
    expect([errorCode, logStartOffset, highWatermark]).toEqual([ErrorCode.NONE, 2, 3]);
    await reader.close();
  });

  it('goes by the time of arrival where the topic has LogAppendTime', async () => {
    const topic = await newTopic({ 'message.timestamp.type': 'LogAppendTime' });
    await produce(topic, 9 * dayMs, 8 * dayMs, 0);
    expect(await trimElsewhere(host, topic)).toMatchObject({ records: 0 });
    await host.catalog.setConfigs(topic, {
      replace: { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '1' },
    });
    await eventually(async () => (await trimElsewhere(host, topic)).records === 3);
    expect(await startOf(topic)).toBe(3);
  });

  it('is no trouble where the topic is deleted meanwhile, and made anew', async () => {
    const topic = await newTopic({ 'retention.ms': '1' });
    await produce(topic, dayMs, dayMs);
    const trimming = trimElsewhere(host, topic);
    await client.send(DeleteTopics, 5, { topicNames: [topic], timeoutMs: 5_000 });
    const { records, failures } = await trimming;
    expect(failures).toEqual([]);
    expect(records === 0 || records === 2).toBe(true);
    const topics = [{ name: topic, numPartitions: 1, replicationFactor: 1 }];
    await client.send(CreateTopics, 7, { topics });
    await produce(topic, dayMs);
    expect(await startOf(topic)).toBe(0);
  });
});

function wakeOf(name: string): { wake: string } {
  const { id } = host.catalog.byName(name)!;
  return { wake: `${host.keyPrefix}{${name}/${id}/0}:wake` };
}
