import { FailoverLoad, redisAt } from '@sluice/test/support/failover-load';
import { WatchedRedis } from '@sluice/test/support/sentinels';

jest.setTimeout(240_000);

describe('a gateway on a Redis that Sentinels watch, under load', () => {
  let watched: WatchedRedis;

  beforeAll(async () => {
    watched = await WatchedRedis.start({ args: ['--min-replicas-to-write', '1'] });
  });
  afterAll(() => watched?.stop());

  it('loses nothing that all copies had, and uses no offset twice', async () => {
    const redis = redisAt(watched.url);
    const load = await FailoverLoad.on(redis, { partitions: 4, inSync: 3, batches: 120 });
    load.begin();
    await load.progress();
    await watched.failover();
    await load.progress();
    const killed = await watched.primary();
    await killed.kill();
    await watched.promoted(killed);
    await killed.restart();
    await load.progress();
    const frozen = await watched.primary();
    await frozen.pause();
    await watched.promoted(frozen);
    await frozen.resume();
    await load.check();
    await load.gateway.stop();
  });
});
