import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { partitionKeys, registryKeys } from '../keys';
import { partitionLimits } from '../partition-limits';
import { PartitionStore } from '../partition-store';
import { TopicCatalog } from '../topics/catalog';
import { LogHistory } from './log-history';
import { recoverAll } from './recover';

describe('recovery', () => {
  let redis: TestRedis;
  let link: RedisLink;

  beforeEach(async () => {
    redis = await startRedis();
    link = await connectLink(redis);
  });
  afterEach(async () => {
    await link.close();
    await redis.stop();
  });

  it('leaves out what cannot be read, says so in the log, and goes on', async () => {
    const { keyPrefix } = link;
    const { topics } = registryKeys(keyPrefix);
    const store = new PartitionStore(link);
    const refs = ['damaged', 'newer', 'sound'].map((topic) => {
      return { topic, topicId: topic, partition: 0 };
    });
    for (const ref of refs) {
      await store.initPartition(ref);
      const { topic: name, topicId: id } = ref;
      await link.write.hset(topics, name, JSON.stringify({ name, id, prepared: 1 }));
    }
    await link.write.hset(topics, 'broken', 'no JSON');
    const [damaged, newer] = refs.map((ref) => partitionKeys(keyPrefix, ref).meta);
    await link.write.hset(damaged!, 'reserved', 'no number');
    await link.write.hset(newer!, 'format', '2');
    const lines: string[] = [];
    const error = (message: string, fields?: object) =>
      void lines.push(`${message} ${JSON.stringify(fields)}`);
    const recovered = await recoverAll({
      redis: link.write,
      keyPrefix,
      history: 'another',
      reservation: '0 10 5',
      clock: systemClock,
      log: { ...silentLogger, error },
    });
    expect(recovered).toMatchObject({ partitions: 3, moved: 1 });
    expect(lines).toHaveLength(3);
    for (const name of ['broken', damaged, newer]) expect(lines.join()).toContain(name);
  });

  it('leaves the entries of other writers until nothing was heard of them for long', async () => {
    const { writers } = registryKeys(link.keyPrefix);
    const clock = new FakeClock();
    const parts = { random: systemRandom, log: silentLogger };
    const limits = { ...partitionLimits, writerGoneMs: 1 };
    const long = new LogHistory(link, { ...parts, clock, limits });
    await long.start();
    const short = new LogHistory(link, { ...parts, clock: systemClock });
    await short.start();
    expect(await link.read.hlen(writers)).toBe(2);
    await short.stop();
    // One that was killed: it has entered, and says nothing more.
    await new LogHistory(link, { ...parts, clock: new FakeClock() }).start();
    const fields = async (): Promise<number> => (await link.read.hkeys(writers)).length;
    expect(await fields()).toBe(3);
    await eventually(async () => {
      clock.advance(limits.writerSeenEveryMs);
      return (await fields()) === 2;
    });
    await long.stop();
    expect(await link.read.hkeys(writers)).toEqual(['stopped']);
  });

  it('keeps nothing in mind of topics that are deleted', async () => {
    const parts = { clock: systemClock, random: systemRandom, log: silentLogger };
    const history = new LogHistory(link, parts);
    await history.start();
    const catalog = new TopicCatalog(link, { ...parts, history });
    await catalog.start();
    await catalog.create({ name: 'short-lived', partitions: 1 });
    const { id: topicId } = catalog.byName('short-lived')!;
    history.ends.of({ topic: 'short-lived', topicId, partition: 0 }).reached(5);
    expect([...history.ends]).toHaveLength(1);
    await catalog.delete('short-lived');
    await eventually(async () => [...history.ends].length === 0);
    await catalog.stop();
    await history.stop();
  });
});
