import type { RedisLink } from '@sluice/redis';
import { connectLink, freshPrefix, sharedRedis } from '@sluice/test/support/redis';
import { ProducerIds, producerIdBlockSize } from './producer-ids';

describe('ProducerIds', () => {
  let links: RedisLink[];
  let keyPrefix: string;

  beforeEach(() => {
    links = [];
    keyPrefix = freshPrefix();
  });

  afterEach(async () => {
    for (const link of links) await link.close();
  });

  afterAll(async () => {
    await (await sharedRedis()).stop();
  });

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
    expect(await links[0]!.read.get(`${keyPrefix}{registry}:producer-ids`)).toBe(
      String(producerIdBlockSize),
    );
  });

  it('fails at once without Redis, and works again afterwards', async () => {
    const producerIds = await gateway();
    await links[0]!.close();
    await expect(producerIds.next()).rejects.toThrow('log.producer-ids');
    expect(await (await gateway()).next()).toBe(0);
  });
});
