import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { ConsumerBench, KeptRecords, range } from '../../test/consumer-bench';

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

describe('a consumer', () => {
  it('reads what is there and what comes, in order, and acknowledges it', async () => {
    await bench.append([['a', 'b'], ['c'], ['d', 'e', 'f']]);
    const sink = new KeptRecords();
    const { session } = await bench.consumer(sink);
    bench.grant(session, 0);
    await eventually(() => sink.taken.length === 6);
    await bench.append([['g'], ['h', 'i']]);
    await eventually(() => sink.taken.length === 9);
    expect(sink.taken.map(({ record }) => record.value!.toString()).join('')).toBe('abcdefghi');
    expect(sink.offsets()).toEqual(range(0, 9));
    await eventually(() => bench.committed() === 9);
    await eventually(async () => (await bench.seen()).pending === 0);
    expect(await bench.seen()).toMatchObject({ lag: 0, consumers: { one: 0 } });
  });

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
    expect((await bench.seen()).consumers).toEqual({ two: 0 });
  });
});
