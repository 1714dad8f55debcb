import { systemClock } from '@sluice/base';
import { PartitionStore } from '@sluice/log';
import { RecordsDoor, type TailRequest } from '@sluice/broker';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { KeptTail, produceTo, usualTelling } from '@sluice/test/support/records-door';
import { sharedRedis, startRedis } from '@sluice/test/support/redis';

let broker: TestBroker;
let topics = 0;

beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await broker.stop();
  await (await sharedRedis()).stop();
});

async function newTopic(partitions = 1): Promise<string> {
  const name = `tailed-${topics++}`;
  await broker.catalog.create({ name, partitions, configs: {} });
  return name;
}

interface Followed {
  reader: KeptTail;
  leave: () => void;
  ended: Promise<void>;
}

async function follow(
  door: RecordsDoor,
  topic: string,
  request: Partial<TailRequest> = {},
): Promise<Followed> {
  const reader = new KeptTail();
  const gone = new AbortController();
  const asked = { topic, filter: {}, telling: usualTelling, ...request };
  const tail = await door.tail(asked, reader, gone.signal);
  return { reader, leave: () => gone.abort(), ended: tail.run() };
}

/** A door for which 20 s pass whenever somebody looks at the clock. */
function slowDoor(): RecordsDoor {
  let passedMs = 0;
  const monotonicMs = () => (passedMs += 20_000);
  // Its constructor takes what only the broker has.
  const door = broker.broker.records;
  const clock = { ...systemClock, monotonicMs };
  return new RecordsDoor({ ...door['services'], clock });
}

const textsOf = ({ records }: KeptTail) =>
  records.map(({ value }) => (value as { text: string }).text);
const seen = (reader: KeptTail, count: number) =>
  eventually(() => reader.records.length >= count, { what: `${count} records of a tail` });

describe('a tail', () => {
  it('tells what comes from now on, in all partitions', async () => {
    const topic = await newTopic(2);
    const door = broker.broker.records;
    await produceTo(door, topic, [{ value: 'before', partition: 0 }]);
    const { reader, leave, ended } = await follow(door, topic);
    await produceTo(door, topic, [
      { value: 'one', partition: 0 },
      { value: 'two', partition: 1 },
    ]);
    await seen(reader, 2);
    expect(textsOf(reader).sort()).toEqual(['one', 'two']);
    expect(reader.events[0]).toMatchObject({ event: 'position', data: { 0: 1, 1: 0 } });
    leave();
    await ended;
    expect(door.tailCount).toBe(0);
  });

  it('goes on behind the last event that its reader has', async () => {
    const topic = await newTopic(2);
    const door = broker.broker.records;
    const given = ['a', 'b', 'c', 'd'].map((value, at) => ({ value, partition: at % 2 }));
    await produceTo(door, topic, given);
    const first = await follow(door, topic, { from: 'start' });
    await seen(first.reader, 4);
    first.leave();
    await first.ended;
    const told = first.reader.events.filter(({ event }) => event === 'record');
    for (const [at, event] of told.entries()) {
      const lastEventId = (event as { id: string }).id;
      const next = await follow(door, topic, { lastEventId });
      await seen(next.reader, 3 - at);
      next.leave();
      await next.ended;
      expect(next.reader.records).toEqual(first.reader.records.slice(at + 1));
    }
  });

  it('filters, and tells a position behind what it passed over', async () => {
    const topic = await newTopic();
    const door = broker.broker.records;
    const { reader, leave, ended } = await follow(door, topic, {
      from: 'start',
      filter: { valueContains: 'yes' },
    });
    await produceTo(door, topic, [{ value: 'no' }, { value: 'yes' }, { value: 'no' }]);
    await seen(reader, 1);
    expect(textsOf(reader)).toEqual(['yes']);
    await produceTo(door, topic, [{ value: 'no' }]);
    await produceTo(door, topic, [{ value: 'yes' }]);
    await seen(reader, 2);
    // No position for each time that something came: not so long has passed.
    expect(reader.events.map(({ event }) => event)).toEqual(['position', 'record', 'record']);
    leave();
    await ended;
  });

  it('says that it is alive while it looks through much', async () => {
    const topic = await newTopic();
    const large = [{ value: 'x'.repeat(600_000) }];
    for (let at = 0; at < 4; at++) await produceTo(broker.broker.records, topic, large);
    const request = { from: 'start' as const, filter: { valueContains: 'yes' } };
    const { reader, leave, ended } = await follow(slowDoor(), topic, request);
    const positions = () =>
      reader.events.map((event) => (event.event === 'position' ? event.data[0]! : -1));
    await eventually(() => positions().includes(4));
    expect(positions().slice(0, 2)).toEqual([0, 1]);
    leave();
    await ended;
  });

  it('takes in partitions that the topic is given', async () => {
    const topic = await newTopic();
    const door = broker.broker.records;
    const { reader, leave, ended } = await follow(door, topic);
    await broker.catalog.addPartitions(topic, 3);
    await produceTo(door, topic, [{ value: 'in a new one', partition: 2 }]);
    await seen(reader, 1);
    expect(reader.records[0]).toMatchObject({ partition: 2, offset: 0 });
    leave();
    await ended;
  });

  it('ends when its topic is given more partitions than one tail follows', async () => {
    const topic = await newTopic();
    const door = broker.broker.records;
    const { reader, ended } = await follow(door, topic);
    await broker.catalog.addPartitions(topic, 257);
    await ended;
    expect(reader.end).toBe('partition-needed');
    await expect(follow(door, topic)).rejects.toMatchObject({ code: 'partition-needed' });
    const one = await follow(door, topic, { partition: 256 });
    one.leave();
    await one.ended;
  });

  it('tells of offsets that were deleted before they were read', async () => {
    const topic = await newTopic();
    const door = broker.broker.records;
    await produceTo(door, topic, [{ value: 'a' }]);
    await produceTo(door, topic, [{ value: 'b' }]);
    const { id } = broker.catalog.byName(topic)!;
    await new PartitionStore(broker.link).deleteRecords({ topic, topicId: id, partition: 0 }, 1);
    const { reader, leave, ended } = await follow(door, topic, { lastEventId: `${id}:0.0` });
    await seen(reader, 1);
    const gap = reader.events.find(({ event }) => event === 'gap');
    expect(gap).toMatchObject({ data: { partition: 0, fromOffset: 0, toOffset: 0 } });
    expect(textsOf(reader)).toEqual(['b']);
    leave();
    await ended;
  });

  it('ends when its topic is deleted', async () => {
    const topic = await newTopic();
    const { reader, ended } = await follow(broker.broker.records, topic);
    await broker.catalog.delete(topic);
    await ended;
    expect(reader.end).toBe('topic-deleted');
  });

  it('ends in order when the gateway stops', async () => {
    const own = await startBroker();
    await own.catalog.create({ name: 'stopped', partitions: 1, configs: {} });
    const { reader, ended } = await follow(own.broker.records, 'stopped');
    await own.stop();
    await ended;
    expect(reader.end).toBe('stopped');
  });

  it('reads no further than its reader takes, and drops one that takes nothing', async () => {
    const topic = await newTopic();
    const door = broker.broker.records;
    await produceTo(
      door,
      topic,
      Array.from({ length: 100 }, () => ({ value: 'v' })),
    );
    const stalls: (() => void)[] = [];
    const timer = jest.spyOn(systemClock, 'setTimer').mockImplementation((_delayMs, run) => {
      stalls.push(run);
      return { cancel: () => {} };
    });
    const reader = new KeptTail();
    const request = { topic, from: 'start' as const, filter: {}, telling: usualTelling };
    const tail = await door.tail(request, reader, new AbortController().signal);
    const ended = tail.run();
    reader.takes = false;
    await eventually(() => reader.records.length > 0 && stalls.length > 0);
    expect(reader.records).toHaveLength(1);
    timer.mockRestore();
    for (const stall of stalls) stall();
    await ended;
    expect(reader.end).toBe('dropped');
    expect(reader.records).toHaveLength(1);
  });

  it('drops a reader that takes no position either', async () => {
    const topic = await newTopic();
    await produceTo(broker.broker.records, topic, [{ value: 'v' }]);
    const stalls: (() => void)[] = [];
    const timer = jest.spyOn(systemClock, 'setTimer').mockImplementation((_delayMs, run) => {
      stalls.push(run);
      return { cancel: () => {} };
    });
    const reader = new KeptTail();
    reader.takes = false;
    const request = { topic, from: 'start' as const, filter: {}, telling: usualTelling };
    const tail = await broker.broker.records.tail(request, reader, new AbortController().signal);
    const ended = tail.run();
    await eventually(() => stalls.length > 0);
    timer.mockRestore();
    for (const stall of stalls) stall();
    await ended;
    expect(reader.events.map(({ event }) => event)).toEqual(['position', 'end']);
    expect(reader.end).toBe('dropped');
  });

  it('waits while Redis is away, and goes on', async () => {
    const redis = await startRedis();
    const own = await startBroker({ redis });
    await own.catalog.create({ name: 'away', partitions: 1, configs: {} });
    const door = own.broker.records;
    const { reader, leave, ended } = await follow(door, 'away');
    await redis.kill();
    await redis.restart();
    await eventually(async () => {
      const { records } = await produceTo(door, 'away', [{ value: 'back' }]);
      return 'offset' in records![0]!;
    });
    await seen(reader, 1);
    expect(reader.end).toBeNull();
    leave();
    await ended;
    await own.stop();
    await redis.stop();
  });

  it('is refused where it cannot begin, and is not counted then', async () => {
    const topic = await newTopic();
    const door = broker.broker.records;
    const refused = async (name: string, request: Partial<TailRequest>, code: string) =>
      expect(follow(door, name, request)).rejects.toMatchObject({ name: 'DoorRefusal', code });
    await refused('none', {}, 'unknown-topic');
    await refused(topic, { partition: 3 }, 'unknown-partition');
    await refused(topic, { lastEventId: 'nonsense' }, 'last-event-id-invalid');
    await refused(topic, { filter: { jsonPointer: 'x' } }, 'filter-invalid');
    expect(door.tailCount).toBe(0);
    const all = [];
    for (let at = 0; at < 100; at++) all.push(await follow(door, topic));
    await refused(topic, {}, 'tails-busy');
    for (const one of all) one.leave();
    await Promise.all(all.map(({ ended }) => ended));
    expect(door.tailCount).toBe(0);
  });
});
