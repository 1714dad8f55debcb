import { silentLogger, systemClock } from '@sluice/base';
import { startPowerCutRedis } from '@sluice/test/support/losses';
import { connectLink, startRedisHere, type TestRedis } from '@sluice/test/support/redis';
import { RedisLink } from './link';

/** A write that is to be kept, and whether it is there after the power was cut right behind it. */
async function keptThroughPowerCut(managed: boolean): Promise<{ told: boolean; there: boolean }> {
  const server: TestRedis & { powerCut(): Promise<void> } = await startPowerCutRedis({
    args: ['--appendfsync', 'everysec'],
  });
  const deps = { log: silentLogger, clock: systemClock };
  const link = await RedisLink.connect({ url: server.url, keyPrefix: 'keep:', managed }, deps);
  const told = await link.shards[0]!.keep((redis) => redis.set('keep:one', 'there'), 3_000);
  const [, policy] = (await link.read.config('GET', 'appendfsync')) as string[];
  expect(policy).toBe('everysec');
  await server.powerCut();
  await link.close();
  await server.restart();
  const after = await connectLink(server);
  const there = (await after.read.get('keep:one')) === 'there';
  await after.close();
  await server.stop();
  return { told, there };
}

describe('a write that is to be kept', () => {
  it('is on the disk of a Redis of our own when it is done', async () => {
    expect(await keptThroughPowerCut(true)).toEqual({ told: true, there: true });
  });

  it('is said to be kept by the Redis of another only where it is', async () => {
    const { told, there } = await keptThroughPowerCut(false);
    expect(told && !there).toBe(false);
  });

  it('is not said to be kept where Redis does not sync while it writes its file anew', async () => {
    const args = ['--appendfsync', 'always', '--no-appendfsync-on-rewrite', 'yes'];
    const server = await startRedisHere({ args });
    const link = await connectLink(server, { url: server.adminUrl });
    const [shard] = link.shards;
    const hasWaitAof = (await shard!.diskWord()) === 'waitaof';
    const isKept = await shard!.keep((redis) => redis.set('keep:one', 'there'), 3_000);
    expect(isKept).toBe(hasWaitAof);
    await server.stop();
  });

  it('is never said to be kept where a replica may be promoted that lacks it', async () => {
    const server = await startPowerCutRedis({ args: ['--appendfsync', 'always'] });
    const link = await connectLink(server);
    expect(await link.shards[0]!.keep((redis) => redis.set('keep:one', 'there'), 3_000)).toBe(true);
    jest.spyOn(link.shards[0]!, 'replicaCount').mockResolvedValue(1);
    expect(await link.shards[0]!.keep((redis) => redis.set('keep:one', 'there'), 3_000)).toBe(
      false,
    );
    await link.close();
    await server.stop();
  });
});
