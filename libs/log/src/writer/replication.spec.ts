import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { RedisUnavailable, UnknownOutcome, type RedisLink } from '@sluice/redis';
import { waitForReplicas } from './replication';

describe('waiting for replicas', () => {
  let redis: TestRedis;
  let link: RedisLink;

  beforeAll(async () => {
    redis = await startRedis();
    link = await connectLink(redis);
  });
  afterAll(() => redis.stop());

  it('says that nobody knows, not that nothing was written, where it may not ask', async () => {
    const confirm = () => waitForReplicas(link, 1, 100, () => true);
    link.suspect(new RedisUnavailable('emptied', 'the data is gone'));
    await expect(confirm()).rejects.toBeInstanceOf(UnknownOutcome);
  });
});
