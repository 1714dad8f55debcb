import { askRedis } from '../ask-redis';
import { eventually } from '../eventually';
import { startPowerCutRedis, type PowerCutRedis } from '../losses';

const servers: PowerCutRedis[] = [];

async function start(...args: string[]): Promise<PowerCutRedis> {
  const redis = await startPowerCutRedis({ args });
  servers.push(redis);
  return redis;
}

afterAll(() => Promise.all(servers.map((redis) => redis.stop())));

async function cutAndStart(redis: PowerCutRedis): Promise<void> {
  await redis.powerCut();
  await redis.restart();
}

describe('a power cut', () => {
  it('takes what was acknowledged after the last fsync, with everysec', async () => {
    const redis = await start();
    await askRedis(redis, 'SET before yes');
    await redis.onDisk();
    redis.stallDisk();
    await askRedis(redis, 'SET after yes');
    await cutAndStart(redis);
    expect(await askRedis(redis, 'GET before')).toBe('yes');
    expect(await askRedis(redis, 'GET after')).toBe('');
  });

  it('takes what a killed server keeps', async () => {
    const redis = await start('--appendfsync', 'no');
    await askRedis(redis, 'SET after yes');
    await redis.kill();
    await redis.restart();
    // Since it was there when the server started, it counts as synced.
    expect(await askRedis(redis, 'GET after')).toBe('yes');
    await askRedis(redis, 'SET later yes');
    await cutAndStart(redis);
    expect(await askRedis(redis, 'GET after')).toBe('yes');
    expect(await askRedis(redis, 'GET later')).toBe('');
  });

  it('takes nothing that was acknowledged, with always', async () => {
    const redis = await start('--appendfsync', 'always');
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 20; i += 1) await askRedis(redis, 'INCR acknowledged');
      await cutAndStart(redis);
      expect(await askRedis(redis, 'GET acknowledged')).toBe(String(20 * (round + 1)));
    }
  });

  it('leaves with always what a stalled disk kept from being acknowledged, or not', async () => {
    const redis = await start('--appendfsync', 'always');
    await askRedis(redis, 'SET before yes');
    redis.stallDisk();
    const answer = askRedis(redis, 'SET after yes').catch((error: Error) => error.message);
    await redis.powerCut();
    expect(await answer).not.toBe('OK');
    await redis.restart();
    expect(await askRedis(redis, 'GET before')).toBe('yes');
  });

  it('is not what `kill` is: that leaves all that was acknowledged on a slow disk', async () => {
    const redis = await start();
    redis.stallDisk();
    await eventually(async () => {
      await askRedis(redis, 'SET acknowledged yes');
      const persistence = await askRedis(redis, 'INFO persistence');
      return (
        !/^aof_buffer_length:0\r?$/m.test(persistence) && (await askRedis(redis, 'SET last yes'))
      );
    });
    await redis.kill();
    await redis.restart();
    expect(await askRedis(redis, 'GET last')).toBe('yes');
  });

  it('is over a rewrite of the append-only file as it is without one', async () => {
    const redis = await start();
    await askRedis(redis, 'SET before yes');
    await askRedis(redis, 'BGREWRITEAOF');
    await askRedis(redis, 'SET meanwhile yes');
    await redis.onDisk();
    redis.stallDisk();
    await askRedis(redis, 'SET after yes');
    await cutAndStart(redis);
    expect(await askRedis(redis, 'GET before')).toBe('yes');
    expect(await askRedis(redis, 'GET meanwhile')).toBe('yes');
    expect(await askRedis(redis, 'GET after')).toBe('');
  });
});
