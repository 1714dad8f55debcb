import { confirmationFor, partitionKeys, resolveConfigs } from '@sluice/log';
import { encodeBatch } from '@sluice/records';
import { eventually } from '@sluice/test/support/eventually';
import { startReplicatedPair } from '@sluice/test/support/losses';
import { connectLink, sharedRedis, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { ConsumerBench, KeptRecords, range } from '../../test/consumer-bench';
import { NotOwned } from './consumer-errors';

let redis: TestRedis;
let bench: ConsumerBench;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  bench = new ConsumerBench(await connectLink(redis));
});
afterEach(() => bench.close());

const asksForOneCopy = confirmationFor(
  resolveConfigs({ configs: { 'min.insync.replicas': '2' } }),
  1,
);

/** So many batches of one record each. */
function singles(count: number): string[][] {
  return range(0, count).map((index) => [`v${index}`]);
}

function values(sink: KeptRecords): string {
  return sink.taken.map(({ record }) => record.value!.toString()).join('');
}

describe('reading', () => {
  it('brings what is there and what comes, in order, and acknowledges it', async () => {
    await bench.append([['a', 'b'], ['c'], ['d', 'e', 'f']]);
    const sink = new KeptRecords();
    const { session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => sink.taken.length === 6);
    await bench.append([['g'], ['h', 'i']]);
    await eventually(() => sink.taken.length === 9);
    expect(values(sink)).toBe('abcdefghi');
    expect(sink.offsets()).toEqual(range(0, 9));
    await eventually(() => bench.committed() === 9);
    await eventually(async () => (await bench.seen()).pending === 0);
    expect(await bench.seen()).toMatchObject({ lag: 0, consumers: { one: 0 } });
  });

  it('unpacks batches, and passes over control batches', async () => {
    await bench.append([['a', 'b']], { compression: 'gzip' });
    await bench.append([['x']], { control: true });
    await bench.append([['c', 'd']], { compression: 'lz4', logAppendTime: true });
    await bench.append([['y']], { control: true });
    const sink = new KeptRecords();
    const { session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => bench.committed() === 6);
    expect(values(sink)).toBe('abcd');
    expect(sink.offsets()).toEqual([0, 1, 3, 4]);
  });

  it('has no more records in flight than it may, and goes on as they are dealt with', async () => {
    await bench.append([range(0, 50).map(String), ...singles(50)]);
    const sink = new KeptRecords();
    sink.each = () => {};
    const { consumer, session } = await bench.consumer(sink, { inFlightRecordsMax: 10 });
    bench.grant(session, 0);
    for (let dealtWith = 0; dealtWith < 100; dealtWith++) {
      await eventually(() => sink.taken.length > dealtWith);
      expect(sink.taken.length - dealtWith).toBeLessThanOrEqual(10);
      const { owned, record } = sink.taken[dealtWith]!;
      owned.acknowledge(record.offset);
    }
    expect(sink.offsets()).toEqual(range(0, 100));
    await eventually(() => bench.committed() === 100);
    expect(consumer.health().partitions).toMatchObject([{ inFlight: 0, lag: 0 }]);
  });

  it('acknowledges before it hands over, where records may come at most once', async () => {
    await bench.append([['a', 'b'], ['c']]);
    const first = new KeptRecords();
    first.each = () => {};
    const one = await bench.consumer(first, { delivery: 'at-most-once' });
    bench.grant(one.session, 0);
    await eventually(() => first.taken.length === 3);
    await eventually(() => bench.committed() === 3);
    const second = new KeptRecords();
    const two = await bench.consumer(second, { memberId: 'two', delivery: 'at-most-once' });
    bench.grant(two.session, 0);
    await bench.append([['d']]);
    await eventually(() => second.taken.length === 1);
    expect(values(second)).toBe('d');
  });

  it('stops at a damaged batch, and says so', async () => {
    const good = encodeBatch({ records: [{ value: Buffer.from('x'), timestampMs: 1 }] });
    good[good.length - 1]! ^= 1;
    await bench.append([['a']]);
    await bench.appendBytes(good);
    await bench.append([['b']]);
    const sink = new KeptRecords();
    const { consumer, session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => consumer.health().problem);
    expect(consumer.health().problem).toBe('orders/0 stands at a damaged batch at offset 1');
    await eventually(() => bench.committed() === 1);
    expect(values(sink)).toBe('a');
    expect(bench.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});

describe('where a group begins', () => {
  it.each([
    ['start', '0123'],
    ['end', ''],
    [{ offset: 2 }, '23'],
    [{ timestampMs: 2_000 }, ''],
    [{ timestampMs: 1_000 }, '0123'],
  ] as const)('that has committed nothing: %j', async (startFrom, expected) => {
    await bench.append([['0'], ['1'], ['2'], ['3']]);
    const sink = new KeptRecords();
    const { session } = await bench.consumer(sink, { startFrom });
    bench.grant(session, 0);
    await eventually(() => bench.committed() !== undefined);
    await bench.append([['!']]);
    await eventually(() => values(sink).endsWith('!'));
    expect(values(sink)).toBe(`${expected}!`);
  });

  it('that somebody else has moved: there', async () => {
    await bench.append(singles(4));
    const first = new KeptRecords();
    const one = await bench.consumer(first);
    bench.grant(one.session, 0);
    await eventually(() => bench.committed() === 4);
    bench.granted.reset(bench.ref(), 1);
    const second = new KeptRecords();
    const two = await bench.consumer(second, { memberId: 'two' });
    bench.grant(two.session, 0);
    await eventually(() => bench.committed() === 4);
    expect(second.offsets()).toEqual([1, 2, 3]);
  });
});

describe('taking over', () => {
  it('goes on in the middle of a batch, and repeats only what was not dealt with', async () => {
    await bench.append([['a', 'b', 'c', 'd'], ['e']]);
    const first = new KeptRecords();
    first.each = ({ owned, record }) => {
      if (record.offset < 2) owned.acknowledge(record.offset);
    };
    const one = await bench.consumer(first);
    bench.grant(one.session, 0);
    await eventually(() => bench.committed() === 2);
    expect((await bench.seen()).pending).toBe(2);
    // Its process is gone without a word.
    const second = new KeptRecords();
    const two = await bench.consumer(second, { memberId: 'two' });
    bench.grant(two.session, 0);
    await eventually(() => bench.committed() === 5);
    expect(second.offsets()).toEqual([2, 3, 4]);
    expect(second.taken.map(({ record }) => record.mayBeRepeated)).toEqual([true, true, true]);
    await eventually(async () => (await bench.seen()).pending === 0);
    await eventually(async () => Object.keys((await bench.seen()).consumers).join() === 'two');
  });

  it('refuses what a former owner acknowledges late, and tells it', async () => {
    await bench.append([['a', 'b']]);
    const first = new KeptRecords();
    first.each = () => {};
    const one = await bench.consumer(first, { limits: { claimAnewAfterMs: 2_000 } });
    bench.grant(one.session, 0);
    await eventually(() => first.taken.length === 2);
    const second = new KeptRecords();
    second.each = () => {};
    const two = await bench.consumer(second, { memberId: 'two' });
    bench.grant(two.session, 0);
    await eventually(() => second.taken.length === 2);
    const { owned } = first.taken[0]!;
    expect(owned.lost.aborted).toBe(false);
    owned.acknowledge(0);
    owned.acknowledge(1);
    await eventually(() => owned.lost.aborted);
    // Asked for anew it is after a pause.
    expect(one.session.letGoOf).toEqual([]);
    await eventually(() => one.session.letGoOf.length === 1);
    expect(one.session.letGoOf).toMatchObject([{ partition: 0 }]);
    expect(one.consumer.health().partitions).toEqual([]);
    expect(bench.committed()).toBe(0);
    expect((await bench.seen()).pending).toBe(1);
  });

  it('brings, in order, what a former owner reads away although it is none any more', async () => {
    await bench.append([['0']]);
    const first = new KeptRecords();
    const one = await bench.consumer(first);
    bench.grant(one.session, 0);
    await eventually(() => bench.committed() === 1);
    const second = new KeptRecords();
    const two = await bench.consumer(second, { memberId: 'two' });
    bench.grant(two.session, 0);
    for (let round = 1; round <= 20; round++) {
      await bench.append([[`${round}`]]);
      await bench.readAway('one', 1);
      await bench.append([[`${round}'`]]);
    }
    await eventually(() => bench.committed() === 41);
    expect(second.offsets()).toEqual(range(1, 41));
    await eventually(async () => (await bench.seen()).pending === 0);
  });

  it('finds what was read away even if nothing else comes', async () => {
    await bench.append([['0']]);
    const sink = new KeptRecords();
    const { consumer, session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => bench.committed() === 1);
    consumer.pause([{ topic: 'orders' }]);
    await bench.append([['1']]);
    await bench.readAway('stranger', 100);
    consumer.resume([{ topic: 'orders' }]);
    await eventually(() => bench.committed() === 2);
    expect(sink.offsets()).toEqual([0, 1]);
  });
});

describe('records that are given back', () => {
  it('come again, in order, and those behind them that were dealt with do not', async () => {
    await bench.append([['0', '1', '2'], ['3'], ['4']]);
    const sink = new KeptRecords();
    let isFirst = true;
    sink.each = ({ owned, record }) => {
      if (record.offset !== 1 || !isFirst) return owned.acknowledge(record.offset);
      isFirst = false;
      setImmediate(() => owned.release(1));
    };
    const { session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => bench.committed() === 5);
    expect(sink.offsets()).toEqual([0, 1, 2, 3, 4, 1]);
    expect(sink.taken.at(-1)!.record.mayBeRepeated).toBe(true);
  });
});

describe('letting go', () => {
  it('waits for what is in flight, commits, and leaves nothing pending', async () => {
    await bench.append(singles(5));
    const sink = new KeptRecords();
    sink.each = () => {};
    const { session } = await bench.consumer(sink, { inFlightRecordsMax: 3 });
    bench.grant(session, 0);
    await eventually(() => sink.taken.length === 3);
    session.listener.revoking([session.ownedPartition(bench.ref())]);
    const { owned } = sink.taken[0]!;
    expect(owned.stopping.aborted).toBe(true);
    expect(session.letGoOf).toEqual([]);
    for (const { record } of sink.taken) owned.acknowledge(record.offset);
    await eventually(() => session.letGoOf.length === 1);
    expect(bench.committed()).toBe(3);
    expect(owned.lost.aborted).toBe(false);
    expect(sink.taken).toHaveLength(3);
    const { pending } = await bench.seen();
    expect(pending).toBeLessThanOrEqual(2);
  });

  it('gives up what does not end in time, and commits what is whole', async () => {
    await bench.append(singles(3));
    const sink = new KeptRecords();
    sink.each = ({ owned, record }) => {
      if (record.offset === 0) owned.acknowledge(0);
    };
    const { consumer, session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => sink.taken.length === 3);
    await consumer.close(50);
    const { owned } = sink.taken[0]!;
    expect([owned.stopping.aborted, owned.lost.aborted]).toEqual([true, true]);
    expect(bench.committed()).toBe(1);
    expect(session.hasLeft).toBe(true);
    owned.acknowledge(1);
    expect((await bench.seen()).pending).toBe(2);
  });

  it('leaves no consumer behind after a clean end', async () => {
    await bench.append(singles(10));
    const sink = new KeptRecords();
    const { consumer, session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => sink.taken.length === 10);
    await consumer.close();
    expect(bench.committed()).toBe(10);
    expect(await bench.seen()).toMatchObject({ pending: 0, consumers: {} });
    expect(consumer.health()).toMatchObject({ status: 'stopped', problem: null });
  });
});

describe('a consumer that is told where to go on', () => {
  it('pauses and resumes, and remembers it of partitions that it gets later', async () => {
    await bench.append(singles(2));
    await bench.append(singles(2), { partition: 1 });
    const sink = new KeptRecords();
    const { consumer, session } = await bench.consumer(sink);
    consumer.pause([{ topic: 'orders', partitions: [1] }]);
    bench.grant(session, 0, 1);
    await eventually(() => bench.committed() === 2);
    expect(sink.offsets(1)).toEqual([]);
    expect(consumer.health().partitions[1]).toMatchObject({ paused: true, lag: 2 });
    consumer.resume([{ topic: 'orders' }]);
    await eventually(() => bench.committed(1) === 2);
    expect(sink.offsets(1)).toEqual([0, 1]);
  });

  it.each([
    ['start', [0, 1, 2, 3]],
    ['end', []],
    [{ offset: 2 }, [2, 3]],
    [{ timestampMs: 1_000 }, [0, 1, 2, 3]],
  ] as const)('goes on at %j', async (target, expected) => {
    await bench.append([['0', '1'], ['2'], ['3']]);
    const sink = new KeptRecords();
    const { consumer, session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => bench.committed() === 4);
    sink.taken.length = 0;
    await consumer.seek({ topic: 'orders', partitions: [0] }, target);
    await bench.append([['4']]);
    await eventually(() => sink.offsets().includes(4));
    expect(sink.offsets()).toEqual([...expected, 4]);
    await eventually(() => bench.committed() === 5);
    await eventually(async () => (await bench.seen()).pending === 0);
    const elsewhere = consumer.seek({ topic: 'orders', partitions: [7] }, 'start');
    await expect(elsewhere).rejects.toThrow(NotOwned);
  });

  it('is told that a partition went to another before it could go on there', async () => {
    await bench.append(singles(2));
    const sink = new KeptRecords();
    sink.each = () => {};
    const { consumer, session } = await bench.consumer(sink, { drainMs: 50 });
    bench.grant(session, 0);
    await eventually(() => sink.taken.length === 2);
    const seeking = consumer.seek({ topic: 'orders' }, 'start');
    session.listener.revoking([session.ownedPartition(bench.ref())]);
    await expect(seeking).rejects.toThrow(NotOwned);
    await eventually(() => session.letGoOf.length === 1);
  });

  it('has committed where it is to go on, before anything is dealt with', async () => {
    await bench.append(singles(4));
    const sink = new KeptRecords();
    const { consumer, session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => bench.committed() === 4);
    sink.each = () => {};
    await consumer.seek({ topic: 'orders' }, { offset: 1 });
    expect(bench.committed()).toBe(1);
  });
});

describe('trouble', () => {
  it('passes over what was trimmed away under it, and says so once', async () => {
    await bench.append(singles(6));
    const sink = new KeptRecords();
    sink.each = () => {};
    const { session } = await bench.consumer(sink, { inFlightRecordsMax: 2 });
    bench.grant(session, 0);
    await eventually(() => sink.taken.length === 2);
    const other = await bench.consumer(new KeptRecords(), { memberId: 'two' });
    await bench.store.deleteRecords(bench.ref(), 5);
    bench.grant(other.session, 0);
    await eventually(() => bench.committed() === 6);
    await eventually(async () => (await bench.seen()).pending === 0);
    const told = bench.lines.filter(({ message }) => message.includes('trimmed away'));
    expect(told).toMatchObject([{ fields: { offset: 0, count: 5 } }]);
  });

  it('lets go a partition whose topic was deleted, and goes on with the others', async () => {
    await bench.append(singles(2));
    await bench.append(singles(2), { partition: 1 });
    const sink = new KeptRecords();
    const { consumer, session } = await bench.consumer(sink);
    bench.grant(session, 0, 1);
    await eventually(() => bench.committed() === 2 && bench.committed(1) === 2);
    await bench.store.dropPartitions([bench.ref(0)]);
    await eventually(() => consumer.health().partitions.length === 1);
    await bench.append([['more']], { partition: 1 });
    await eventually(() => bench.committed(1) === 3);
  });

  it('goes on where the group of the stream was removed by hand', async () => {
    await bench.append(singles(3));
    const sink = new KeptRecords();
    const { session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => bench.committed() === 3);
    await bench.link.write.xgroup('DESTROY', bench.stream(), bench.group);
    await bench.append([['3'], ['4']]);
    await eventually(() => bench.committed() === 5);
    expect(sink.offsets()).toEqual(range(0, 5));
  });

  it('moves partitions between members without losing or disordering anything', async () => {
    const partitions = range(0, 6);
    for (const partition of partitions) await bench.append(singles(1), { partition });
    const sinks = range(0, 3).map(() => new KeptRecords());
    const members = [];
    for (const [at, sink] of sinks.entries()) {
      members.push(await bench.consumer(sink, { memberId: `m${at}` }));
    }
    for (let round = 0; round < 8; round++) {
      for (const partition of partitions) {
        bench.grant(members[(partition + round) % 3]!.session, partition);
        await bench.append(singles(5), { partition });
      }
    }
    await eventually(() => partitions.every((partition) => bench.committed(partition) === 41));
    for (const partition of partitions) {
      const seen = new Set(sinks.flatMap((sink) => sink.offsets(partition)));
      expect([...seen].sort((a, b) => a - b)).toEqual(range(0, 41));
      expect(await bench.seen(partition)).toMatchObject({ pending: 0 });
    }
  });
});

describe('while Redis is restarted', () => {
  it('waits, goes on by itself, and leaves nothing pending', async () => {
    const own = await startRedis();
    const there = new ConsumerBench(await connectLink(own, { heartbeatMs: 200 }));
    try {
      await there.append(singles(3));
      const sink = new KeptRecords();
      const { consumer, session } = await there.consumer(sink);
      there.grant(session, 0);
      await eventually(() => there.committed() === 3);
      await own.restart();
      await eventually(() => there.append([['3'], ['4']]).then(() => true));
      await eventually(() => there.committed() === 5 && consumer.health().status === 'running');
      expect([...new Set(sink.offsets())]).toEqual(range(0, 5));
      await eventually(async () => (await there.seen()).pending === 0);
    } finally {
      await there.close();
      await own.stop();
    }
  });
});

describe('records of a topic that asks for copies', () => {
  it('wait until they are confirmed, as others say or as is seen by looking', async () => {
    bench.confirmation = asksForOneCopy;
    await bench.append([['a', 'b'], ['c'], ['d']]);
    const sink = new KeptRecords();
    const { session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(async () => (await bench.seen()).pending === 3);
    expect(sink.taken).toEqual([]);
    const { meta, wake } = partitionKeys(bench.link.keyPrefix, bench.ref());
    await bench.link.write.hset(meta, 'confirmed', 2);
    await bench.link.write.publish(wake, '4 0 2 0 2');
    await eventually(() => values(sink) === 'ab');
    await bench.link.write.hset(meta, 'confirmed', 3);
    await eventually(() => values(sink) === 'abc');
    // It asks for nothing any more.
    bench.confirmation = null;
    await eventually(() => values(sink) === 'abcd');
    await eventually(() => bench.committed() === 4);
  });

  it('are confirmed by who waits for them, where their writer is gone', async () => {
    const pair = await startReplicatedPair();
    const there = new ConsumerBench(await connectLink(pair.primary));
    try {
      there.confirmation = asksForOneCopy;
      pair.link.hold();
      await there.append([['a'], ['b']]);
      const sink = new KeptRecords();
      const { session } = await there.consumer(sink);
      there.grant(session, 0);
      await eventually(async () => (await there.seen()).pending === 2);
      expect(sink.taken).toEqual([]);
      pair.link.letGo();
      await eventually(() => values(sink) === 'ab');
    } finally {
      await there.close();
      await pair.stop();
    }
  });
});
