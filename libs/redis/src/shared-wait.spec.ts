import { Redis } from 'ioredis';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { eventually } from '@sluice/test/support/eventually';
import { attempt } from './errors';
import type { RedisLink } from './link';

let redis: TestRedis;
let link: RedisLink;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(async () => {
  await redis.stop();
});

beforeEach(async () => {
  link = await connectLink(redis, { commandStallMs: 1_000 });
});

afterEach(async () => {
  await link.close();
});

/** The id of the durable connection, as CLIENT LIST shows it. */
async function durableId(): Promise<string> {
  const list = (await link.read.client('LIST')) as string;
  return /id=(\d+) .*name=sluice-durable /.exec(list)![1]!;
}

/** How often the server was sent WAIT. */
async function waits(): Promise<number> {
  const stats = await link.read.info('commandstats');
  return Number(/^cmdstat_wait:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
}

describe('WAIT on the durable connection', () => {
  it('may take longer than a connection may be silent otherwise', async () => {
    expect(await attempt('WAIT', link.durable.wait(1, 2_000))).toBe(0);
    const hangs = attempt('BLPOP', link.durable.blpop(`${link.keyPrefix}none`, 5));
    await expect(hangs).rejects.toMatchObject({ name: 'UnknownOutcome' });
  });

  it('is one for all who wait at the same time', async () => {
    const before = await waits();
    const all = Array.from({ length: 20 }, async (_, index) => {
      await link.durable.set(`${link.keyPrefix}${index}`, 'x');
      return link.durable.wait(1, 200);
    });
    expect(await Promise.all(all)).toEqual(Array.from({ length: 20 }, () => 0));
    expect(await waits()).toBeLessThanOrEqual(before + 3);
  });

  it('covers what was written before it, not only before an earlier one', async () => {
    const replica = await startRedis({ replicaOf: redis });
    const copy = new Redis(replica.port, replica.host);
    while ((await link.durable.wait(1, 100)) < 1);
    for (let round = 0; round < 200; round++) {
      const keys = [0, 1, 2].map((index) => `${link.keyPrefix}${round}/${index}`);
      const written = keys.map(async (key) => {
        await link.durable.set(key, 'x');
        expect(await link.durable.wait(1, 20_000)).toBe(1);
        expect(await copy.exists(key)).toBe(1);
      });
      await Promise.all(written);
    }
    copy.disconnect();
    await replica.stop();
  });

  it('is rejected when the connection breaks, for the next one too', async () => {
    const first = attempt('WAIT', link.durable.wait(1, 5_000));
    const second = attempt('WAIT', link.durable.wait(1, 5_000));
    await link.write.call('CLIENT', 'KILL', 'ID', await durableId());
    await expect(first).rejects.toMatchObject({ name: 'UnknownOutcome' });
    await expect(second).rejects.toMatchObject({ name: 'UnknownOutcome' });
    await eventually(() => link.durable.ping());
    expect(await link.durable.wait(1, 50)).toBe(0);
  });
});
