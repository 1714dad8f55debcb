import { silentLogger } from '@sluice/base';
import { confirmationFor, PartitionStore, resolveConfigs } from '@sluice/log';
import { decodeBatch, encodeBatch } from '@sluice/records';
import { appendedAs } from '@sluice/test/support/batches';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { startReplicatedPair, type ReplicatedPair } from '@sluice/test/support/losses';
import { RawClient } from '@sluice/test/support/raw-client';
import { freshPrefix } from '@sluice/test/support/redis';
import { CreateTopics, DeleteRecords, ErrorCode, Fetch, ListOffsets, Produce } from '@sluice/wire';

/** A gateway, and a client of it. */
interface Door {
  host: TestBroker;
  client: RawClient;
}

const keyPrefix = freshPrefix();
let pair: ReplicatedPair;
let doors: Door[] = [];

beforeEach(async () => {
  pair = await startReplicatedPair();
  doors = [await openDoor(), await openDoor()];
});

afterEach(async () => {
  for (const { host, client } of doors) {
    await client.close();
    await host.stop();
  }
  await pair.stop();
});

/** Long enough for a replica on a busy machine; some tests wait it out. */
const replicationTimeoutMs = 2_000;

async function openDoor(): Promise<Door> {
  const redis = pair.primary;
  const host = await startBroker({ redis, keyPrefix, replicationTimeoutMs });
  await eventually(async () => (await host.link.replicaCount()) === 1, { what: 'replication' });
  return { host, client: await RawClient.connect(host.port) };
}

/** Makes a topic that asks for one replica, which every gateway knows then. */
async function makeTopic(name: string): Promise<void> {
  const configs = [{ name: 'min.insync.replicas', value: '2' }];
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, configs }];
  await doors[0]!.client.send(CreateTopics, 7, { topics });
  await eventually(() => doors.every(({ host }) => host.catalog.byName(name) !== undefined));
}

async function produce({ client }: Door, name: string, acks: number, value: string) {
  const records = encodeBatch({ records: [{ value: Buffer.from(value), timestampMs: 1_000 }] });
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.send(Produce, 9, { acks, timeoutMs: 5_000, topicData });
  return responses[0]!.partitionResponses[0]!.errorCode;
}

/** What a consumer is given from an offset on, and the high watermark that it is told. */
async function fetch({ client }: Door, topic: string, fetchOffset = 0, maxWaitMs = 0) {
  const wanted = { partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 };
  const reply = await client.send(Fetch, 12, {
    maxWaitMs,
    minBytes: 1,
    topics: [{ topic, partitions: [wanted] }],
  });
  const one = reply.responses[0]!.partitions[0]!;
  const values: string[] = [];
  let bytes = one.records!;
  while (bytes.length > 0) {
    const size = 12 + bytes.readInt32BE(8);
    for (const { value } of decodeBatch(bytes.subarray(0, size))) values.push(value!.toString());
    bytes = bytes.subarray(size);
  }
  const { errorCode, highWatermark, lastStableOffset } = one;
  expect([errorCode, lastStableOffset]).toEqual([ErrorCode.NONE, highWatermark]);
  return { values, highWatermark };
}

async function offsetOf({ client }: Door, name: string, timestamp: number): Promise<number> {
  const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp }] }];
  const reply = await client.send(ListOffsets, 7, { topics });
  return reply.topics[0]!.partitions[0]!.offset;
}

/** Appends as one does whose process ends before it tells Redis of the confirmation. */
async function leave(name: string): Promise<void> {
  const [{ host }] = doors as [Door];
  const topic = host.catalog.byName(name)!;
  const writer = new PartitionStore(host.link).writer(
    { topic: name, topicId: topic.id, partition: 0 },
    { replicationTimeoutMs, log: silentLogger, trouble: { note() {} }, onReply() {} },
  );
  const batch = encodeBatch({ records: [{ value: Buffer.from('a'), timestampMs: 1_000 }] });
  const asked = confirmationFor(resolveConfigs(topic), -1);
  await new Promise((resolve) => writer.append(appendedAs(batch), asked, resolve));
  writer.close();
}

async function eventuallyAll(name: string, values: string[]): Promise<void> {
  for (const door of doors) {
    await eventually(async () => {
      expect((await fetch(door, name, 0, 1_000)).values).toEqual(values);
      return true;
    });
  }
}

describe('a topic that asks for copies', () => {
  it('shows a record to nobody before it is copied, whatever its producer waits for', async () => {
    await makeTopic('copied');
    const [writer] = doors as [Door];
    expect(await produce(writer, 'copied', -1, 'a')).toBe(ErrorCode.NONE);
    await eventuallyAll('copied', ['a']);
    pair.link.hold();
    expect(await produce(writer, 'copied', 1, 'b')).toBe(ErrorCode.NONE);
    const code = await produce(writer, 'copied', -1, 'c');
    expect(code).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    for (const door of doors) {
      expect(await fetch(door, 'copied', 0, 100)).toEqual({ values: ['a'], highWatermark: 1 });
      // In the log, and not for readers yet: that is not out of range.
      expect(await fetch(door, 'copied', 2, 100)).toEqual({ values: [], highWatermark: 1 });
      expect(await offsetOf(door, 'copied', -1)).toBe(1);
      expect(await offsetOf(door, 'copied', 1_000)).toBe(0);
    }
    pair.link.letGo();
    await eventuallyAll('copied', ['a', 'b', 'c']);
    expect(await offsetOf(doors[1]!, 'copied', -1)).toBe(3);
  });

  it('deletes records no further than readers may see', async () => {
    await makeTopic('kept');
    const [writer] = doors as [Door];
    expect(await produce(writer, 'kept', -1, 'a')).toBe(ErrorCode.NONE);
    pair.link.hold();
    expect(await produce(writer, 'kept', 1, 'b')).toBe(ErrorCode.NONE);
    const deleteBefore = async (offset: number) => {
      const topics = [{ name: 'kept', partitions: [{ partitionIndex: 0, offset }] }];
      const reply = await writer.client.send(DeleteRecords, 2, { timeoutMs: 1_000, topics });
      const { errorCode, lowWatermark } = reply.topics[0]!.partitions[0]!;
      return [errorCode, lowWatermark];
    };
    expect(await deleteBefore(2)).toEqual([ErrorCode.OFFSET_OUT_OF_RANGE, -1]);
    expect(await deleteBefore(-1)).toEqual([ErrorCode.NONE, 1]);
    pair.link.letGo();
    const read = async () => (await fetch(writer, 'kept', 1, 1_000)).values;
    await eventually(async () => (await read()).join() === 'b');
  });

  it('has confirmed by whoever waits what a writer has left that is gone', async () => {
    await makeTopic('left');
    expect((await fetch(doors[1]!, 'left')).values).toEqual([]);
    await leave('left');
    await eventuallyAll('left', ['a']);
  });

  it('gives at the first look what was acknowledged by one that has not said so', async () => {
    await makeTopic('untold');
    await leave('untold');
    expect(await offsetOf(doors[0]!, 'untold', -1)).toBe(1);
    expect(await fetch(doors[1]!, 'untold')).toEqual({ values: ['a'], highWatermark: 1 });
  });

  it('does not keep readers waiting for what no replica confirms', async () => {
    await makeTopic('uncopied');
    pair.link.hold();
    await leave('uncopied');
    for (const door of doors) {
      expect(await fetch(door, 'uncopied')).toEqual({ values: [], highWatermark: 0 });
      expect(await offsetOf(door, 'uncopied', -1)).toBe(0);
    }
    pair.link.letGo();
    await eventuallyAll('uncopied', ['a']);
  });

  it('takes no record away that was read, when a replica is promoted', async () => {
    await makeTopic('promoted');
    const [writer, reader] = doors as [Door, Door];
    const read: string[] = [];
    let written = 0;
    const load = { isOver: false };
    const writing = (async () => {
      while (!load.isOver) await produce(writer, 'promoted', 1, `${written++}`);
    })();
    const reading = (async () => {
      while (!load.isOver) read.push(...(await fetch(reader, 'promoted', read.length, 50)).values);
    })();
    await eventually(() => read.length >= 20);
    pair.link.interrupt();
    const since = written;
    await eventually(() => written >= since + 20);
    load.isOver = true;
    await Promise.all([writing, reading]);
    await pair.promote();
    const { Redis } = await import('ioredis');
    const promoted = new Redis(pair.replica.adminUrl);
    const [key] = await promoted.keys(`${keyPrefix}*promoted*:log`);
    const entries = await promoted.xrangeBuffer(key!, '-', '+');
    promoted.disconnect();
    const kept = entries.map(([, [, bytes]]) => decodeBatch(bytes!)[0]!.value!.toString());
    expect(read.length).toBeGreaterThanOrEqual(20);
    expect(kept.slice(0, read.length)).toEqual(read);
  });
});
