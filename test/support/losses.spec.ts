import { askRedis } from './ask-redis';
import { eventually } from './eventually';
import { copyData, startReplicatedPair, type ReplicatedPair } from './losses';
import { startRedisHere } from './redis';
import type { LocalRedis } from './redis-local';

describe('an older copy of the data', () => {
  let redis: LocalRedis;

  beforeAll(async () => {
    redis = await startRedisHere();
  });

  afterAll(() => redis.stop());

  it('has all that was there when it was made, and nothing that came later', async () => {
    await askRedis(redis, 'SET before yes');
    const copy = await copyData(redis);
    await askRedis(redis, 'SET after yes');
    await copy.bringBack();
    expect(await askRedis(redis, 'GET before')).toBe('yes');
    expect(await askRedis(redis, 'GET after')).toBe('');
  });

  it('can be brought back again', async () => {
    const copy = await copyData(redis);
    for (const name of ['first', 'second']) {
      await askRedis(redis, `SET ${name} yes`);
      await copy.bringBack();
      expect(await askRedis(redis, `GET ${name}`)).toBe('');
    }
  });
});

describe('a promoted replica', () => {
  let pair: ReplicatedPair;

  beforeAll(async () => {
    pair = await startReplicatedPair();
  });

  afterAll(() => pair.stop());

  it('lacks what was written while its link was cut', async () => {
    const { primary, replica, link } = pair;
    await askRedis(primary, 'SET before yes');
    await eventually(async () => (await askRedis(replica, 'GET before')) === 'yes');
    link.interrupt();
    await askRedis(primary, 'SET after yes');
    await pair.promote();
    link.restore();
    expect(await askRedis(replica, 'INFO replication')).toContain('role:master');
    expect(await askRedis(replica, 'GET before')).toBe('yes');
    expect(await askRedis(replica, 'GET after')).toBe('');
    expect(await askRedis(primary, 'GET after')).toBe('yes');
  });
});
