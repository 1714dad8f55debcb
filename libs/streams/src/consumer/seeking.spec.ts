import { setImmediate as turn } from 'node:timers/promises';
import { PartitionDelivery, partitionKeys } from '@sluice/log';
import { UnknownOutcome } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { ConsumerBench, KeptRecords, range } from '../../test/consumer-bench';
import type { ConsumerSettings } from '../api';
import type { GroupReader } from './group-reader';

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
): Promise<{ consumer: GroupReader; stop: () => void }> {
  await bench.append(range(0, count).map((index) => [`v${index}`]));
  sink.each = () => {};
  const { consumer, session } = await bench.consumer(sink, { inFlightRecordsMax: 2, ...settings });
  bench.grant(session, 0);
  await eventually(() => sink.taken.length === 2);
  const stop = (): void => session.listener.revoking([session.ownedPartition(bench.ref())]);
  return { consumer, stop };
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
});
