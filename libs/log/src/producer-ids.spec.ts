import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import {
  connectLink,
  freshPrefix,
  sharedRedis,
  startRedis,
  type TestRedis,
} from '@sluice/test/support/redis';
import { ProducerIds, producerIdBlockSize } from './producer-ids';

describe('ProducerIds', () => {
  let links: RedisLink[];
  let keyPrefix: string;
  let own: TestRedis | null = null;

  beforeEach(() => {
    links = [];
    keyPrefix = freshPrefix();
  });

  afterEach(async () => {
    for (const link of links) await link.close();
    await own?.stop();
    own = null;
  });

  afterAll(async () => {
    await (await sharedRedis()).stop();
  });

  const counter = (): string => `${keyPrefix}{registry}:producer-ids`;

  async function gateway(): Promise<ProducerIds> {
    const link = await connectLink(await sharedRedis(), { keyPrefix });
    links.push(link);
    return new ProducerIds(link);
  }

  it('never gives an id twice, over gateways and restarts', async () => {
    const ids: number[] = [];
    for (const count of [3, producerIdBlockSize + 5, 1]) {
      const [one, other] = [await gateway(), await gateway()];
      const asked = Array.from({ length: count }, () => [one.next(), other.next()]).flat();
      ids.push(...(await Promise.all(asked)));
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.min(...ids)).toBe(0);
  });

  it('asks Redis once for a block, however many wait', async () => {
    const producerIds = await gateway();
    const ids = await Promise.all(Array.from({ length: 50 }, () => producerIds.next()));
    expect(ids).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(await links[0]!.read.get(counter())).toBe(String(producerIdBlockSize));
  });

  it('gives no id twice when Redis has come back without its last writes', async () => {
    const redis = (own = await startRedis({ args: ['--appendonly', 'no'] }));
    const link = await connectLink(redis, { keyPrefix });
    const before = new ProducerIds(link);
    const ids = [await before.next()];
    let ready = false;
    link.onReady(() => (ready = true));
    await redis.restart();
    await eventually(() => ready);
    await eventually(() => link.read.get(counter()));
    // As after a restart of the gateway while its clients go on.
    const after = new ProducerIds(await connectLink(redis, { keyPrefix }));
    for (let i = 0; i < producerIdBlockSize; i++) ids.push(await before.next());
    ids.push(await after.next());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('goes on behind its last block where the counter was deleted', async () => {
    const producerIds = await gateway();
    const ids = [await producerIds.next()];
    await links[0]!.write.del(counter());
    for (let i = 0; i < producerIdBlockSize; i++) ids.push(await producerIds.next());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('fails at once without Redis, and works again afterwards', async () => {
    const producerIds = await gateway();
    await links[0]!.close();
    await expect(producerIds.next()).rejects.toThrow('log.producer-ids');
    expect(await (await gateway()).next()).toBe(0);
  });
});
