import type { HistoryToken, RedisLink } from '@sluice/redis';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { registryKeys } from '../keys';
import { knows, Writers } from './writers';

const none = '0'.repeat(40);
const history = (runId: string): HistoryToken => {
  return { runId, replicationId: runId, formerReplicationId: none };
};

describe('the entries of those who write', () => {
  let redis: TestRedis;
  let link: RedisLink;
  let writers: Writers;

  beforeAll(async () => {
    redis = await sharedRedis();
  });
  beforeEach(async () => {
    link = await connectLink(redis);
    writers = new Writers(registryKeys(link.keyPrefix));
  });
  afterEach(() => link.close());
  afterAll(() => redis.stop());

  it('go with a writer that stops in good order, where there is one server', async () => {
    await writers.enter(link.write, 'one', [history('a')]);
    await writers.stopped(link.write, 'one', [history('a')]);
    const { writers: left, stoppedOn } = await writers.read(link.read);
    expect(left).toEqual([]);
    expect(stoppedOn).toEqual([history('a')]);
  });

  it('stay and say so, where another of several servers may still lose what it wrote', async () => {
    const histories = [history('a'), history('b')];
    await writers.enter(link.write, 'one', histories);
    expect((await writers.read(link.read)).writers).toMatchObject([{ hasLeft: false, histories }]);
    await writers.stopped(link.write, 'one', histories);
    const [entry] = (await writers.read(link.read)).writers;
    expect(entry).toMatchObject({ token: 'one', hasLeft: true, histories });
    expect(knows(entry!.histories, history('b'))).toBe(true);
    expect(knows(entry!.histories, history('c'))).toBe(false);
    // The server on which something may be missing was made ready for it.
    await writers.madeReady(link.write, entry!, history('c'));
    const [ready] = (await writers.read(link.read)).writers;
    expect(knows(ready!.histories, history('c'))).toBe(true);
  });

  it('of a version that knew one server alone are read', async () => {
    const { writers: key } = registryKeys(link.keyPrefix);
    await link.write.hset(key, 'old', JSON.stringify({ history: history('a'), enteredAtMs: 7 }));
    const [entry] = (await writers.read(link.read)).writers;
    const expected = { token: 'old', histories: [history('a')], enteredAtMs: 7, seenAtMs: 7 };
    expect(entry).toMatchObject({ ...expected, hasLeft: false });
  });
});
