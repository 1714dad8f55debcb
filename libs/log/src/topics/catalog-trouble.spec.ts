import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import { RedisLink, UnknownOutcome } from '@sluice/redis';
import { connectLink, freshPrefix, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { leftOver } from '../../test/left-over';
import { partitionKeys, registryKeys } from '../keys';
import { TopicCatalog } from './catalog';
import { catalogLimits } from './catalog-limits';
import type { CatalogLimits } from './catalog-limits';
import { TopicRegistry } from './topic-registry';
import { DeletedTopicSweeper } from './deleted-topic-sweeper';
import { encodeRecord, freezeTopic } from './topic';
import type { TopicRecord } from './topic';

const deps = { clock: systemClock, random: systemRandom, log: silentLogger };
const ends: (() => Promise<unknown>)[] = [];
let redis: TestRedis;
let prefix: string;

beforeAll(async () => {
  redis = await startRedis();
});

beforeEach(() => {
  prefix = freshPrefix();
});

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

afterAll(() => redis.stop());

async function connect(): Promise<RedisLink> {
  const link = await connectLink(redis, { keyPrefix: prefix });
  ends.push(() => link.close());
  return link;
}

async function gateway(limits: Partial<CatalogLimits> = {}) {
  const link = await connect();
  const catalog = new TopicCatalog(link, { ...deps, limits });
  await catalog.start();
  ends.push(() => catalog.stop());
  return { link, catalog };
}

function newRecord(name: string, partitions: number): TopicRecord {
  const topic = { name, id: systemRandom.uuid(), partitions, configs: {}, createdAtMs: 1 };
  return { topic: freezeTopic(topic), prepared: partitions };
}

function registryOf(link: RedisLink, limits: Partial<CatalogLimits> = {}): TopicRegistry {
  return new TopicRegistry(link, systemClock, { ...catalogLimits, ...limits });
}

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await check()); waited += 10) {
    if (waited > 30_000) throw new Error('it did not happen within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Another gateway sees the same topics, and all their partitions are there even after a sweep. */
async function checkWhole(link: RedisLink, catalog: TopicCatalog): Promise<void> {
  await new DeletedTopicSweeper(link, deps).sweep();
  const { catalog: other } = await gateway();
  expect(other.list()).toEqual(catalog.list());
  const metas = other.list().flatMap(({ name, id, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => {
      return partitionKeys(prefix, { topic: name, topicId: id, partition }).meta;
    }),
  );
  expect((await link.read.keys(`${prefix}*meta`)).sort()).toEqual(metas.sort());
}

/** Runs something while the nth reply to a write gets lost; true when there was one. */
async function loseReply(link: RedisLink, nth: number, run: () => Promise<void>): Promise<boolean> {
  const connection = link.write;
  const sendCommand = connection.sendCommand.bind(connection);
  let replies = 0;
  connection.sendCommand = ((command: Parameters<typeof sendCommand>[0]) =>
    (sendCommand(command) as Promise<unknown>).then((value) => {
      if (++replies === nth) throw new UnknownOutcome('test');
      return value;
    })) as typeof sendCommand;
  try {
    await run();
  } finally {
    connection.sendCommand = sendCommand;
  }
  return replies >= nth;
}

describe('a creation that does not come to its end', () => {
  test('partitions of a topic that never appeared are swept once their time is over', async () => {
    const link = await connect();
    const sweeper = new DeletedTopicSweeper(link, deps);
    const inTime = newRecord('b', 5);
    const patient = registryOf(link, { intentGraceMs: 3_600_000 });
    expect(await patient.intend(inTime)).toBe('noted');
    await patient.prepare(inTime.topic, 0, 3);
    expect((await sweeper.sweep()).topics).toBe(0);
    expect(await link.read.keys(`${prefix}*meta`)).toHaveLength(3);
    await patient.prepare(inTime.topic, 3, 5);
    expect(await patient.create(inTime)).toHaveProperty('version');
    const before = (await link.read.keys(`${prefix}*`)).sort();

    const registry = registryOf(link, { intentGraceMs: 1 });
    const record = newRecord('a', 5);
    expect(await registry.intend(record)).toBe('noted');
    await registry.prepare(record.topic, 0, 3);
    await until(async () => (await sweeper.sweep()).topics === 1);
    expect((await link.read.keys(`${prefix}*`)).sort()).toEqual(before);
    // The slow creator goes on, and is told; what it made meanwhile goes too.
    await registry.prepare(record.topic, 3, 5);
    expect(await registry.create(record)).toBe('expired');
    expect((await sweeper.sweep()).topics).toBe(1);
    expect((await link.read.keys(`${prefix}*`)).sort()).toEqual(before);
  });

  test('one that is still within its time is not swept, and appears whole', async () => {
    const link = await connect();
    const registry = registryOf(link);
    const record = newRecord('a', 2);
    await registry.intend(record);
    await registry.prepare(record.topic, 0, 2);
    const sweeper = new DeletedTopicSweeper(link, deps);
    await sweeper.sweep();
    expect(await registry.create(record)).toEqual({ version: 1 });
    await sweeper.sweep();
    expect(await link.read.keys(`${prefix}*meta`)).toHaveLength(2);
  });

  test('an entry in the list of a live topic is dropped and its partitions stay', async () => {
    const { link, catalog } = await gateway();
    await catalog.create({ name: 'a.b', partitions: 2 });
    const registry = registryOf(link);
    await registry.discard({ topic: catalog.byName('a.b')!, prepared: 2 });
    expect((await new DeletedTopicSweeper(link, deps).sweep()).topics).toBe(0);
    expect(await link.read.keys(`${prefix}*meta`)).toHaveLength(2);
    expect(await leftOver(link)).toHaveLength(10);
  });

  test('a growth that was broken off is finished by the next, or goes with the topic', async () => {
    const { link, catalog } = await gateway();
    await catalog.create({ name: 'a', partitions: 1 });
    const topic = catalog.byName('a')!;
    const registry = registryOf(link);
    const noted = encodeRecord({ topic, prepared: 5 });
    const expected = encodeRecord({ topic, prepared: 1 });
    expect(await registry.update('a', { expected, replacement: noted })).toEqual({ version: 2 });
    await registry.prepare(topic, 1, 4);
    await until(async () => (await link.read.keys(`${prefix}*meta`)).length === 4);
    expect(catalog.byName('a')).toBe(topic);
    await catalog.addPartitions('a', 3);
    await catalog.delete('a');
    await new DeletedTopicSweeper(link, deps).sweep();
    expect(await leftOver(link)).toEqual([]);
  });
});

describe('a lost reply', () => {
  test.each<[string, (catalog: TopicCatalog) => Promise<unknown>, object]>([
    ['create', (catalog) => catalog.create({ name: 'new', partitions: 3 }), { created: {} }],
    ['addPartitions', (catalog) => catalog.addPartitions('a', 4), { updated: { partitions: 4 } }],
    [
      'setConfigs',
      (catalog) => catalog.setConfigs('a', { replace: { 'retention.ms': '1' } }),
      { updated: { configs: { 'retention.ms': '1' } } },
    ],
    ['delete', (catalog) => catalog.delete('a'), { name: 'a' }],
  ])('of any step of %s is followed by a second run that does no harm', async (_, act, reply) => {
    for (let nth = 1, lost = true; lost; nth++) {
      prefix = freshPrefix();
      const { link, catalog } = await gateway({ writeRetryMs: 1 });
      await catalog.create({ name: 'a', partitions: 2 });
      lost = await loseReply(link, nth, async () => {
        expect(await act(catalog)).toMatchObject(reply);
      });
      await checkWhole(link, catalog);
    }
  });

  test('a topic changed between the two runs of its creation is still its own', async () => {
    const { link, catalog } = await gateway();
    const registry = registryOf(link);
    const record = newRecord('a', 1);
    await registry.intend(record);
    await registry.prepare(record.topic, 0, 1);
    await registry.create(record);
    await until(() => catalog.byName('a') !== undefined);
    await catalog.setConfigs('a', { replace: { 'retention.ms': '1' } });
    expect(await registry.create(record)).toEqual({ version: 0 });
    await new DeletedTopicSweeper(link, deps).sweep();
    expect(await link.read.keys(`${prefix}*meta`)).toHaveLength(1);
  });

  test('a creation that was followed by a deletion does not come back', async () => {
    const { link, catalog } = await gateway();
    const registry = registryOf(link);
    const record = newRecord('a', 1);
    await registry.intend(record);
    await registry.prepare(record.topic, 0, 1);
    await registry.create(record);
    await catalog.delete({ name: 'a' });
    expect(await registry.create(record)).toBe('expired');
    await new DeletedTopicSweeper(link, deps).sweep();
    expect(await registry.create(record)).toBe('expired');
    const { catalog: other } = await gateway();
    expect(other.list()).toEqual([]);
  });
});

describe('Redis in trouble', () => {
  test('a full Redis refuses new topics, and deletes old ones', async () => {
    const { link, catalog } = await gateway();
    await catalog.create({ name: 'a', partitions: 2 });
    await link.write.config('SET', 'maxmemory', '1mb');
    ends.push(() => link.write.config('SET', 'maxmemory', '0'));
    const full = expect.objectContaining({ name: 'RedisUnavailable', reason: 'out-of-memory' });
    await expect(catalog.create({ name: 'b', partitions: 1 })).rejects.toEqual(full);
    await expect(catalog.addPartitions('a', 3)).rejects.toEqual(full);
    await expect(catalog.setConfigs('a', { replace: { 'flush.ms': '1' } })).rejects.toEqual(full);
    const { catalog: other } = await gateway();
    expect(other.list()).toHaveLength(1);
    expect(await other.delete('a')).toMatchObject({ name: 'a' });
    expect((await new DeletedTopicSweeper(link, deps).sweep()).topics).toBe(1);
    expect(await link.read.keys(`${prefix}*meta`)).toEqual([]);
    await until(() => catalog.byName('a') === undefined);
  });

  test('while it is away the last known topics are served; then all is read anew', async () => {
    const { link, catalog } = await gateway({ pollMs: 50 });
    await catalog.create({ name: 'a', partitions: 2 });
    await redis.kill();
    await until(() => !link.status().connected);
    expect(catalog.byName('a')).toMatchObject({ partitions: 2 });
    await expect(catalog.create({ name: 'b', partitions: 1 })).rejects.toMatchObject({
      name: 'RedisUnavailable',
    });
    await expect(catalog.delete('a')).rejects.toMatchObject({ name: 'RedisUnavailable' });
    await redis.restart();
    const { link: fresh, catalog: other } = await gateway();
    await other.create({ name: 'b', partitions: 1 });
    await other.delete('a');
    await until(() => catalog.byName('b') !== undefined && catalog.byName('a') === undefined);
    await new DeletedTopicSweeper(fresh, deps).sweep();
    expect(await fresh.read.keys(`${prefix}*meta`)).toHaveLength(1);
    await until(() => link.status().connected && link.read.status === 'ready');
    expect(await catalog.create({ name: 'c', partitions: 1 })).toHaveProperty('created');
  });

  test('a history that went back is followed, even where the versions are the same', async () => {
    const { link, catalog } = await gateway({ pollMs: 50 });
    await catalog.create({ name: 'a', partitions: 1 });
    const { topics } = registryKeys(prefix);
    const text = (await link.write.hget(topics, 'a'))!;
    // The same number of changes, another topic: what a failover that lost writes can leave.
    await link.write.multi().del(topics).hset(topics, 'z', text.replace('"a"', '"z"')).exec();
    expect(catalog.byName('z')).toBeUndefined();
    await link.write.wait(0, 0);
    await redis.restart();
    await until(() => catalog.byName('z') !== undefined);
    expect(catalog.list()).toHaveLength(1);
  });
});

describe('the sweeper', () => {
  test('stops in the middle, and another goes on', async () => {
    const { link, catalog } = await gateway();
    await catalog.create({ name: 'a', partitions: 100 });
    await catalog.delete('a');
    const first = new DeletedTopicSweeper(link, { ...deps, limits: { partitionsPerStepMax: 10 } });
    const stopping = new AbortController();
    const unlink = link.write.unlink.bind(link.write) as (...keys: unknown[]) => Promise<number>;
    jest.spyOn(link.write, 'unlink').mockImplementationOnce((...keys: unknown[]) => {
      stopping.abort();
      return unlink(...keys);
    });
    expect(await first.sweep(stopping.signal)).toMatchObject({ topics: 0, partitions: 10 });
    expect(await link.read.keys(`${prefix}*:log`)).toHaveLength(90);
    const second = new DeletedTopicSweeper(link, deps);
    expect(await second.sweep()).toMatchObject({ topics: 1, partitions: 100 });
    expect(await leftOver(link)).toEqual([]);
  });

  test('sweeps more topics than it takes at a time', async () => {
    const { link, catalog } = await gateway();
    for (let index = 0; index < 7; index++) {
      await catalog.create({ name: `t${index}`, partitions: 1 });
      await catalog.delete(`t${index}`);
    }
    const sweeper = new DeletedTopicSweeper(link, { ...deps, limits: { sweepEntriesMax: 3 } });
    expect((await sweeper.sweep()).topics).toBe(7);
    expect((await sweeper.sweep()).topics).toBe(0);
  });
});
