import { setImmediate as turn } from 'node:timers/promises';
import { PartitionDelivery, partitionKeys } from '@sluice/log';
import { UnknownOutcome } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { encodeBatch } from '@sluice/records';
import { ConsumerBench, KeptRecords, range } from '../../test/consumer-bench';
import type { ConsumerSettings } from '../api';
import { NotOwned } from './consumer-errors';

let redis: TestRedis;
let bench: ConsumerBench;
let sink: KeptRecords;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  bench = new ConsumerBench(await connectLink(redis));
  sink = new KeptRecords();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await bench.close();
});

const orders = { topic: 'orders' };

/** A consumer that has taken the first two of some records, which its handler still has. */
async function holdingTwo(
  count: number,
  settings: Partial<ConsumerSettings> = {},
): Promise<Awaited<ReturnType<ConsumerBench['consumer']>> & { stop: () => void }> {
  await bench.append(range(0, count).map((index) => [`v${index}`]));
  sink.each = () => {};
  const parts = await bench.consumer(sink, { inFlightRecordsMax: 2, ...settings });
  const { session } = parts;
  bench.grant(session, 0);
  await eventually(() => sink.taken.length === 2);
  const stop = (): void => session.listener.revoking([session.ownedPartition(bench.ref())]);
  return { ...parts, stop };
}

/** What is held is dealt with, and so is all that comes. */
function goOn(): void {
  sink.each = ({ owned, record }) => owned.acknowledge(record.offset);
  for (const { owned, record } of sink.taken) owned.acknowledge(record.offset);
}

/** Redis no longer knows that the partition was claimed. */
async function forgetClaim(): Promise<void> {
  const { delivery } = partitionKeys(bench.link.keyPrefix, bench.ref());
  await bench.link.write.hdel(delivery, `g/${bench.group}`);
}

describe('a consumer that is to go on elsewhere', () => {
  it('loses nothing of what it had read where that fails', async () => {
    const { consumer } = await holdingTwo(6);
    const unknown = new UnknownOutcome('log/delivery-seek');
    jest.spyOn(PartitionDelivery.prototype, 'seek').mockRejectedValueOnce(unknown);
    const moved = consumer.seek(orders, { offset: 0 });
    await turn();
    goOn();
    await expect(moved).rejects.toBe(unknown);
    await eventually(() => bench.committed() === 6);
    expect(sink.offsets()).toEqual(range(0, 6));
    await eventually(async () => (await bench.seen()).pending === 0);
  });

  it('claims the partition anew where Redis has forgotten it, and goes on there', async () => {
    const { consumer } = await holdingTwo(6);
    const seek = jest.spyOn(PartitionDelivery.prototype, 'seek');
    seek.mockImplementationOnce(async function (this: PartitionDelivery, offset) {
      await forgetClaim();
      return this.seek(offset);
    });
    const moved = consumer.seek(orders, { offset: 3 });
    await turn();
    goOn();
    await moved;
    await eventually(() => bench.committed() === 6);
    expect(sink.offsets()).toEqual([0, 1, 3, 4, 5]);
  });

  it('is refused that while the partition is let go, which waits no longer for it', async () => {
    const { consumer, session, stop } = await holdingTwo(4, { drainMs: 600_000 });
    stop();
    await expect(consumer.seek(orders, { offset: 0 })).rejects.toThrow(NotOwned);
    goOn();
    await eventually(() => session.letGoOf.length === 1);
  });

  it('has that committed, also where a commit was on its way', async () => {
    const { consumer, session } = await holdingTwo(2);
    let send: (() => void) | undefined;
    const sent = new Promise<void>((resolve) => (send = resolve));
    jest.spyOn(session, 'commit').mockImplementationOnce(async (offsets) => {
      await sent;
      return bench.granted.commit(session, offsets);
    });
    goOn();
    await eventually(() => consumer.health().partitions[0]!.lag === 0);
    await eventually(() => jest.mocked(session.commit).mock.calls.length > 0);
    sink.each = () => {};
    const moved = consumer.seek(orders, { offset: 0 });
    await eventually(() => sink.taken.length > 2);
    send!();
    await moved;
    expect(bench.committed()).toBe(0);
  });

  it('says no longer that a batch is damaged which it has passed over', async () => {
    const damaged = encodeBatch({ records: [{ value: Buffer.from('x'), timestampMs: 1 }] });
    damaged[damaged.length - 1]! ^= 1;
    await bench.append([['a']]);
    await bench.appendBytes(damaged);
    await bench.append([['b']]);
    const { consumer, session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => consumer.health().problem);
    await consumer.seek(orders, { offset: 2 });
    await eventually(() => bench.committed() === 3);
    expect(consumer.health().problem).toBeNull();
  });
});

describe('a partition of which something was given back', () => {
  it('is claimed anew where Redis has forgotten it', async () => {
    await holdingTwo(4);
    await forgetClaim();
    sink.each = ({ owned, record }) => owned.acknowledge(record.offset);
    const { owned } = sink.taken[0]!;
    owned.release(1);
    owned.acknowledge(0);
    await eventually(() => bench.committed() === 4);
    expect(sink.offsets()).toEqual([0, 1, 1, 2, 3]);
  });
});

describe('a group that is to begin beyond the log end', () => {
  it('begins at the log end, and has that committed', async () => {
    await bench.append([['a'], ['b']]);
    const { session } = await bench.consumer(sink, { startFrom: { offset: 100 } });
    bench.grant(session, 0);
    await eventually(() => bench.committed() === 2);
  });
});

describe('records that may come at most once', () => {
  const once = { delivery: 'at-most-once' } as const;

  it.each([
    [[], [1], [1, 2, 3]],
    [[0], [1], [1, 2, 3]],
    [[1], [0], [2, 3]],
  ])('done %j, given back at a stop %j: then %j come', async (done, givenBack, next) => {
    const { stop, session } = await holdingTwo(4, { ...once, drainMs: 50 });
    const { owned } = sink.taken[0]!;
    stop();
    for (const offset of done) owned.acknowledge(offset);
    for (const offset of givenBack) owned.release(offset);
    await eventually(() => session.letGoOf.length === 1);
    const second = new KeptRecords();
    const two = await bench.consumer(second, { ...once, memberId: 'two' });
    bench.grant(two.session, 0);
    await eventually(() => second.offsets().includes(3));
    expect(second.offsets()).toEqual(next);
  });
});

describe('partitions of one grant', () => {
  it('are read, although it cannot be said where another begins', async () => {
    for (const partition of [0, 1]) await bench.append([['a']], { partition });
    const { firstAtOrAfter } = bench.store;
    const find = jest.spyOn(bench.store, 'firstAtOrAfter');
    find.mockImplementation((ref, timestampMs) => {
      if (ref.partition === 1) return Promise.reject(new Error('a damaged batch'));
      return firstAtOrAfter.call(bench.store, ref, timestampMs);
    });
    const { session } = await bench.consumer(sink, { startFrom: { timestampMs: 1_000 } });
    bench.grant(session, 0, 1);
    await eventually(() => sink.offsets(0).length === 1);
    find.mockRestore();
    await eventually(() => sink.offsets(1).length === 1);
  });

  it('are told of as revoked once, also where they are lost while they are let go', async () => {
    const { consumer, session, listeners, stop } = await holdingTwo(2);
    const told: number[] = [];
    listeners.revoked.add((list) => told.push(...list.map(({ partition }) => partition)));
    stop();
    session.listener.lost([session.ownedPartition(bench.ref())]);
    await eventually(() => session.letGoOf.length === 1);
    await consumer.close();
    expect(told).toEqual([0]);
  });
});
