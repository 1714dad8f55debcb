import { existsSync } from 'node:fs';
import { connectLink, sharedRedis, startRedis, type TestRedis } from './redis';

describe('the tests’ Redis', () => {
  let redis: TestRedis;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(() => redis.stop());

  it('keeps its port and its data over a kill', async () => {
    const before = await connectLink(redis);
    await before.write.set('kept', 'yes');
    await before.close();
    await redis.kill();
    await expect(connectLink(redis, { connectTimeoutMs: 200 })).rejects.toMatchObject({
      problem: 'unreachable',
    });
    await redis.restart();
    const after = await connectLink(redis);
    expect(await after.read.get('kept')).toBe('yes');
    await after.close();
  });

  it('can be frozen and thawed', async () => {
    await redis.pause();
    await expect(
      connectLink(redis, { connectTimeoutMs: 300, commandStallMs: 200 }),
    ).rejects.toMatchObject({ problem: 'unreachable' });
    await redis.resume();
    const link = await connectLink(redis);
    expect(await link.read.ping()).toBe('PONG');
    await link.close();
  });

  it('can have a replica', async () => {
    const replica = await startRedis({ replicaOf: redis });
    const link = await connectLink(redis);
    await link.durable.set('copied', 'yes');
    expect(await link.durable.wait(1, 4_000)).toBe(1);
    expect(await link.replicaCount()).toBe(1);
    await link.close();
    await replica.stop();
  });

  it('is one for a whole spec file where it is shared, and is gone after stop', async () => {
    const first = await sharedRedis();
    expect(await sharedRedis()).toBe(first);
    const pid = first.pid;
    await first.stop();
    await first.stop();
    if (pid !== null && existsSync('/proc')) expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});
