import type { RedisLink } from '@sluice/redis';
import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import { connectLink, freshPrefix, sharedRedis } from '@sluice/test/support/redis';
import { leftOver } from '../../test/left-over';
import { inDatabase } from '@sluice/test/support/servers/setup';
import { partitionKeys, registryKeys } from '../keys';
import { TopicCatalog } from './catalog';
import type { CatalogLimits } from './catalog-limits';
import { DeletedTopicSweeper } from './deleted-topic-sweeper';
import type { Topic } from './topic';
import type { TopicChange } from './view';

const deps = { clock: systemClock, random: systemRandom, log: silentLogger };
const ends: (() => Promise<unknown>)[] = [];
let prefix: string;

beforeEach(() => {
  prefix = freshPrefix();
});

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

afterAll(async () => (await sharedRedis()).stop());

/** A gateway's catalogue with connections of its own. */
async function gateway(limits: Partial<CatalogLimits> = {}, database = 0) {
  const redis = await sharedRedis();
  const url = inDatabase(redis.url, database);
  const link = await connectLink(redis, { url, keyPrefix: prefix });
  ends.push(() => link.close());
  const catalog = new TopicCatalog(link, { ...deps, limits });
  await catalog.start();
  ends.push(() => catalog.stop());
  return { link, catalog };
}

async function created(catalog: TopicCatalog, name: string, partitions = 1): Promise<Topic> {
  const reply = await catalog.create({ name, partitions });
  if ('refused' in reply) throw new Error(reply.message);
  return reply.created;
}

async function until(check: () => boolean): Promise<void> {
  for (let waited = 0; !check(); waited += 5) {
    if (waited > 30_000) throw new Error('it did not happen within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const partitionsOf = ({ name, id, partitions }: Topic) =>
  Array.from({ length: partitions }, (_, partition) =>
    partitionKeys(prefix, { topic: name, topicId: id, partition }),
  );

const metasOf = async (link: RedisLink, topic: Topic): Promise<number> =>
  link.read.exists(partitionsOf(topic).map(({ meta }) => meta));

describe('create', () => {
  test('a created topic is found by name and id, whole, and announced once', async () => {
    const { link, catalog } = await gateway();
    const changes: TopicChange[] = [];
    catalog.on('change', (change) => changes.push(change));
    const reply = await catalog.create({
      name: 'orders.v1',
      partitions: 300,
      configs: { 'retention.ms': ' 5 ' },
    });
    const topic = catalog.byName('orders.v1')!;
    expect(reply).toEqual({ created: topic });
    expect(topic).toMatchObject({ partitions: 300, configs: { 'retention.ms': '5' } });
    expect(topic.id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
    expect(topic.createdAtMs).toBeGreaterThan(1_700_000_000_000);
    expect(catalog.byId(topic.id)).toBe(topic);
    expect(catalog.list()).toEqual([topic]);
    expect(catalog.byName('orders_v1')).toBeUndefined();
    expect(await metasOf(link, topic)).toBe(300);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(changes).toEqual([{ created: topic }]);
  });

  test('a taken name, and one that differs only in . and _, are refused', async () => {
    const { catalog } = await gateway();
    await created(catalog, 'a.b_c');
    expect(await catalog.create({ name: 'a.b_c', partitions: 1 })).toMatchObject({
      refused: 'exists',
    });
    expect(await catalog.create({ name: 'a_b.c', partitions: 1 })).toEqual({
      refused: 'collides',
      message: "Topic 'a_b.c' collides with the existing topic 'a.b_c'",
    });
    expect(await catalog.create({ name: 'a-b-c', partitions: 1 })).toHaveProperty('created');
  });

  test.each(['', '.', '..', 'a b', 'ä', 'a/b', 'a{b}', 'a\n', 'x'.repeat(250)])(
    'the name %j is refused',
    async (name) => {
      const { catalog } = await gateway();
      expect(await catalog.create({ name, partitions: 1 })).toMatchObject({
        refused: 'invalid-name',
      });
    },
  );

  test('the longest name and the strangest are fine', async () => {
    const { catalog } = await gateway();
    for (const name of ['x'.repeat(249), '...', '-', '__proto__', 'constructor']) {
      expect(await created(catalog, name)).toBe(catalog.byName(name));
    }
    expect(catalog.byName('toString')).toBeUndefined();
  });

  test.each([0, -1, 1.5, NaN, 10_001])('%d partitions are refused', async (partitions) => {
    const { catalog } = await gateway();
    expect(await catalog.create({ name: 'a', partitions })).toMatchObject({
      refused: 'invalid-partitions',
    });
  });

  test('the partitions of all topics together are limited', async () => {
    const { catalog } = await gateway({ partitionsTotalMax: 10 });
    await created(catalog, 'a', 6);
    expect(await catalog.create({ name: 'b', partitions: 5 })).toMatchObject({
      refused: 'invalid-partitions',
      message: expect.stringContaining('All topics together'),
    });
    await created(catalog, 'b', 4);
    await catalog.delete('a');
    expect(await catalog.addPartitions('b', 10)).toHaveProperty('updated');
  });

  test('bad configs are refused, and validateOnly creates nothing', async () => {
    const { link, catalog } = await gateway();
    const refused = { name: 'a', partitions: 1, configs: { 'retention.msec': '1' } };
    expect(await catalog.create(refused)).toEqual({
      refused: 'invalid-config',
      message: 'retention.msec: is not a topic config; did you mean retention.ms?',
    });
    const checked = await catalog.create({ name: 'a', partitions: 2, validateOnly: true });
    expect(checked).toMatchObject({ created: { name: 'a', partitions: 2 } });
    expect(catalog.list()).toEqual([]);
    expect(await leftOver(link)).toEqual([]);
  });

  test('of many gateways that create one name at once, exactly one wins', async () => {
    const { link, catalog: first } = await gateway();
    const { catalog: second } = await gateway();
    const names = Array.from({ length: 20 }, (_, index) => (index % 2 ? 'a.b' : 'a_b'));
    const replies = await Promise.all(
      names.map((name, index) => (index < 10 ? first : second).create({ name, partitions: 3 })),
    );
    const won = replies.filter((reply) => 'created' in reply);
    expect(won).toHaveLength(1);
    await first.delete(first.list()[0]!.name);
    const sweeper = new DeletedTopicSweeper(link, deps);
    await sweeper.sweep();
    expect(await leftOver(link)).toEqual([]);
  });
});

describe('what others do', () => {
  test('two catalogues see each other at once, and the same', async () => {
    const { catalog: first } = await gateway({ pollMs: 600_000 });
    const { catalog: second } = await gateway({ pollMs: 600_000 });
    const seen: TopicChange[] = [];
    second.on('change', (change) => seen.push(change));
    const topic = await created(first, 'a', 2);
    await until(() => second.byName('a') !== undefined);
    expect(second.byName('a')).toEqual(topic);
    await second.addPartitions('a', 3);
    await until(() => first.byName('a')?.partitions === 3);
    await first.setConfigs('a', { replace: { 'retention.ms': '1' } });
    await until(() => second.byName('a')?.configs['retention.ms'] === '1');
    await first.delete('a');
    await until(() => second.byName('a') === undefined);
    expect(seen.map((change) => Object.keys(change)[0])).toEqual([
      'created',
      'updated',
      'updated',
      'deleted',
    ]);
    expect(second.byId(topic.id)).toBeUndefined();
  });

  test('a catalogue made later (a restart) finds the same topics with the same ids', async () => {
    const { catalog: first } = await gateway();
    const topics = [await created(first, 'a', 2), await created(first, 'b.c')];
    const { catalog: second } = await gateway();
    expect(second.list()).toEqual(topics);
    expect(Object.isFrozen(second.list()[0]!.configs)).toBe(true);
  });

  test('a lost notice is made good by the poll', async () => {
    const { link, catalog } = await gateway({ pollMs: 20 });
    const topic = await created(catalog, 'a');
    const { topics, version } = registryKeys(prefix);
    const text = await link.write.hget(topics, 'a');
    // A change that is not published.
    await link.write.multi().hset(topics, 'b', text!.replace('"a"', '"b"')).incr(version).exec();
    await until(() => catalog.byName('b') !== undefined);
    await link.write.multi().del(topics).incr(version).exec();
    await until(() => catalog.list().length === 0);
    expect(catalog.byId(topic.id)).toBeUndefined();
  });

  test('a gap in the notices makes it read all anew', async () => {
    const { link, catalog } = await gateway({ pollMs: 600_000 });
    await created(catalog, 'a');
    const { topics, version, changes } = registryKeys(prefix);
    const text = (await link.write.hget(topics, 'a'))!;
    await link.write.hset(topics, 'b', text.replace('"a"', '"b"'));
    await link.write.hset(topics, 'c', text.replace('"a"', '"c"'));
    const now = await link.write.incrby(version, 2);
    const notice = `{"version":${now},"field":"c","topic":${text.replace('"a"', '"c"')}}`;
    await link.write.publish(changes, notice);
    await until(() => catalog.list().length === 3);
    await link.write.publish(changes, 'nonsense');
    expect(catalog.list().map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  test('a gateway on another database of the same Redis hears nothing of it', async () => {
    const [one, other] = [await gateway(), await gateway({}, 1)];
    await created(one.catalog, 'here');
    // Its answer comes on the connection of the notices, after them.
    await other.link.subscribe(`${prefix}last`, () => {});
    expect(other.catalog.list()).toEqual([]);
    const topic = await created(other.catalog, 'there');
    expect(other.catalog.list()).toEqual([topic]);
  });

  test('what a stale catalogue is asked to change is looked up first', async () => {
    const { link, catalog: first } = await gateway();
    const { catalog: second } = await gateway({ pollMs: 600_000 });
    await created(second, 'old');
    await link.write.publish(registryKeys(prefix).changes, 'nonsense');
    await created(first, 'new');
    expect(await second.create({ name: 'new', partitions: 1 })).toMatchObject({
      refused: 'exists',
    });
    await first.delete('old');
    expect(await second.delete('old')).toBeNull();
    expect(await second.delete('new')).toMatchObject({ name: 'new' });
  });

  test('a topic that cannot be read is left out, and the others are there', async () => {
    const { link, catalog } = await gateway();
    await created(catalog, 'a');
    const { topics, version } = registryKeys(prefix);
    await link.write.multi().hset(topics, 'bad', '{"name":1}').incr(version).exec();
    const { catalog: later } = await gateway();
    expect(later.list().map(({ name }) => name)).toEqual(['a']);
  });
});

describe('delete', () => {
  test('by name and by id; an unknown one gives null', async () => {
    const { catalog } = await gateway();
    const a = await created(catalog, 'a');
    const b = await created(catalog, 'b');
    expect(await catalog.delete('c')).toBeNull();
    expect(await catalog.delete({ id: 'a' })).toBeNull();
    expect(await catalog.delete('a')).toEqual(a);
    expect(await catalog.delete({ name: b.id })).toBeNull();
    expect(await catalog.delete(b.id)).toEqual(b);
    expect(await catalog.delete('a')).toBeNull();
    expect(catalog.list()).toEqual([]);
  });

  test('created again, it has a new id, and the old keys vanish', async () => {
    const { link, catalog } = await gateway();
    const old = await created(catalog, 'a', 200);
    const [keys] = partitionsOf(old);
    await link.write.xadd(keys!.log, '1-1', 'b', 'x');
    await link.write.hset(keys!.producers, 'p', 'x');
    await catalog.delete('a');
    const fresh = await created(catalog, 'a', 2);
    expect(fresh.id).not.toBe(old.id);
    await new DeletedTopicSweeper(link, deps).sweep();
    expect(await link.read.zcard(registryKeys(prefix).deleted)).toBe(1);
    expect(await metasOf(link, old)).toBe(0);
    expect(await link.read.exists(keys!.log, keys!.producers)).toBe(0);
    expect(await metasOf(link, fresh)).toBe(2);
  });

  test('of two gateways that delete it at once, one did', async () => {
    const { catalog: first } = await gateway();
    const { catalog: second } = await gateway();
    const topic = await created(first, 'a');
    await until(() => second.byName('a') !== undefined);
    const replies = await Promise.all([first.delete('a'), second.delete('a')]);
    expect(replies.filter((reply) => reply !== null)).toEqual([topic]);
  });
});

describe('addPartitions', () => {
  test('grows a topic, with its new partitions ready', async () => {
    const { link, catalog } = await gateway();
    const topic = await created(catalog, 'a', 2);
    const [keys] = partitionsOf(topic);
    await link.write.hset(keys!.meta, 'next', 7);
    const reply = await catalog.addPartitions('a', 5);
    expect(reply).toEqual({ updated: { ...topic, partitions: 5 } });
    expect(catalog.byId(topic.id)).toEqual({ ...topic, partitions: 5 });
    expect(await metasOf(link, catalog.byName('a')!)).toBe(5);
    expect(await link.read.hget(keys!.meta, 'next')).toBe('7');
  });

  test('cannot shrink it, leave it, or grow it without limit', async () => {
    const { catalog } = await gateway();
    const topic = await created(catalog, 'a', 2);
    for (const total of [1, 2, 0, -1, 2.5, NaN, 10_001]) {
      const reply = await catalog.addPartitions('a', total);
      expect(reply).toMatchObject({ refused: 'invalid-partitions' });
    }
    const unknown = await catalog.addPartitions('b', 3);
    expect(unknown).toMatchObject({ refused: 'unknown-topic' });
    const checked = await catalog.addPartitions('a', 3, { validateOnly: true });
    expect(checked).toEqual({ updated: { ...topic, partitions: 3 } });
    expect(catalog.byName('a')).toBe(topic);
  });

  test('two gateways at once: the larger count stays, and all partitions are there', async () => {
    const { link, catalog: first } = await gateway();
    const { catalog: second } = await gateway();
    await created(first, 'a');
    const replies = await Promise.all([
      ...[2, 4, 9].map((total) => first.addPartitions('a', total)),
      ...[3, 8, 9].map((total) => second.addPartitions('a', total)),
    ]);
    expect(replies.filter((reply) => 'updated' in reply).length).toBeGreaterThan(0);
    await until(() => second.byName('a')?.partitions === 9);
    expect(first.byName('a')).toEqual(second.byName('a'));
    expect(await metasOf(link, first.byName('a')!)).toBe(9);
  });
});

describe('setConfigs', () => {
  test('steps and replacement, checked, and validateOnly', async () => {
    const { catalog } = await gateway();
    await created(catalog, 'a');
    const one = await catalog.setConfigs('a', {
      changes: [
        { name: 'retention.ms', op: 'set', value: '1' },
        { name: 'cleanup.policy', op: 'append', value: 'compact' },
      ],
    });
    const configs = { 'cleanup.policy': 'delete,compact', 'retention.ms': '1' };
    expect(one).toMatchObject({ updated: { configs } });
    expect(catalog.byName('a')!.configs).toEqual(configs);
    const replace = { 'min.insync.replicas': '2' };
    const checked = await catalog.setConfigs('a', { replace }, { validateOnly: true });
    expect(checked).toMatchObject({ updated: { configs: replace } });
    expect(catalog.byName('a')!.configs).toEqual(configs);
    await catalog.setConfigs('a', { replace });
    expect(catalog.byName('a')!.configs).toEqual(replace);
    expect(await catalog.setConfigs('a', { replace: { x: '1' } })).toMatchObject({
      refused: 'invalid-config',
    });
    expect(await catalog.setConfigs('b', { replace })).toMatchObject({ refused: 'unknown-topic' });
    expect(catalog.byName('a')!.configs).toEqual(replace);
  });

  test('a change that changes nothing is not written', async () => {
    const { link, catalog } = await gateway();
    const topic = await created(catalog, 'a');
    const before = await link.read.get(registryKeys(prefix).version);
    const noChange = { changes: [{ name: 'retention.ms', op: 'delete' as const }] };
    expect(await catalog.setConfigs('a', noChange)).toEqual({ updated: topic });
    expect(await link.read.get(registryKeys(prefix).version)).toBe(before);
  });

  test('changes of different configs by many gateways at once are all kept', async () => {
    const gateways = [await gateway(), await gateway(), await gateway()];
    await created(gateways[0]!.catalog, 'a');
    const names = ['retention.ms', 'retention.bytes', 'segment.ms', 'segment.bytes', 'flush.ms'];
    await Promise.all(
      names.flatMap((name, index) => [
        gateways[index % 3]!.catalog.setConfigs('a', {
          changes: [{ name, op: 'set', value: '100' }],
        }),
        gateways[index % 3]!.catalog.addPartitions('a', index + 2),
      ]),
    );
    const { catalog } = await gateway();
    const topic = catalog.byName('a')!;
    expect(topic.configs).toEqual(Object.fromEntries(names.map((name) => [name, '100'])));
    expect(topic.partitions).toBe(6);
  });
});
