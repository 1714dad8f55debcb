import { systemClock } from '@sluice/base';
import { GroupKeys } from '@sluice/groups';
import { partitionKeys, registryKeys, type Topic } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { freshPrefix, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { startWorker, type TestWorker } from '../../test/test-worker';
import type { JobReport } from '../queue/kinds';
import { kindOfKey } from './key-kinds';

/** Keys of an empty partition: log, meta, producers, spans, delivery. */
const partitionKeyCount = 5;
const goneId = 'AAAAAAAAAAAAAAAAAAAAAA';

let redis: TestRedis;
let keyPrefix: string;
let worker: TestWorker;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  keyPrefix = freshPrefix();
  worker = await startWorker({ redis, keyPrefix });
  await eventually(async () => (await worker.housekeeping.lastRuns()).retention);
  await eventually(async () => (await worker.housekeeping.counts()).running === 0);
});
afterEach(() => worker.stop());

async function fsck({ remove = false } = {}): Promise<JobReport> {
  const asked = await worker.housekeeping.runNow({ kind: 'fsck', remove });
  if ('refused' in asked) throw new Error(asked.refused);
  const run = await eventually(async () => {
    const found = await worker.housekeeping.run(asked.id);
    return found?.state === 'done' && found;
  });
  return run.report!;
}

async function made(name: string): Promise<Topic> {
  const reply = await worker.catalog.create({ name, partitions: 2 });
  if (!('created' in reply)) throw new Error(JSON.stringify(reply));
  return reply.created;
}

/** A group as a gateway leaves it, with an offset of a topic. */
async function storeGroup(link: RedisLink, groupId: string, topicId: string): Promise<void> {
  const { state, offsets } = new GroupKeys(keyPrefix).of(groupId);
  await link.write.hset(state, { head: '{"state":"stable"', fence: '0/x/1', format: '1' });
  await link.write.hset(offsets, { format: '2', [`${topicId}/0`]: 'v2 1 -1 1 1 ' });
}

async function keyCount(link: RedisLink): Promise<number> {
  return (await keysOf(link)).filter((key) => !key.includes('{jobs}')).length;
}

async function keysOf({ write }: RedisLink): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = '0';
  do {
    const [next, found] = await write.scan(cursor, 'MATCH', `${keyPrefix}*`, 'COUNT', 1_000);
    for (const key of found) keys.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...keys];
}

/** One orphan of each kind, and a key that nobody knows. */
async function plantOrphans(link: RedisLink): Promise<{ lost: ReturnType<typeof partitionKeys> }> {
  const lost = partitionKeys(keyPrefix, { topic: 'lost', topicId: goneId, partition: 0 });
  await link.write.hset(lost.meta, 'next', '0');
  await link.write.hset(lost.producers, 'format', '1');
  await link.write.xadd(lost.log, '0-1', 'b', 'x');
  await link.write.hset(`${keyPrefix}{jobs}:housekeeping:12345`, { name: 'fsck', data: '{}' });
  await link.write.set(`${keyPrefix}somebody`, 'else');
  await storeGroup(link, 'unlisted', goneId);
  return { lost };
}

const noOrphans = { partitionKeys: 0, groups: 0, topicsInOffsets: 0, jobKeys: 0 };
const planted = { partitionKeys: 3, groups: 1, topicsInOffsets: 1, jobKeys: 1 };

test('every key of a store that is whole is explained', async () => {
  const topic = await made('orders');
  await storeGroup(worker.link, 'readers', topic.id);
  await worker.link.write.sadd(new GroupKeys(keyPrefix).index, 'readers');
  const { keys, details } = await fsck();
  expect(keys).toBe(0);
  expect(details).toMatchObject({ orphans: noOrphans, samples: [], isRegistryWhole: true });
  expect(details['keys']).toMatchObject({ partition: partitionKeyCount * 2, group: 2 });
  expect(details['keys']).not.toHaveProperty('unknown');
});

test('what belongs to nothing is counted, and nothing is removed without being told', async () => {
  await made('orders');
  await plantOrphans(worker.link);
  const before = await keyCount(worker.link);
  const { keys, details } = await fsck();
  expect(keys).toBe(0);
  expect(details).toMatchObject({ orphans: planted, removes: false, keys: { unknown: 1 } });
  expect(details['samples']).toContain(`${keyPrefix}somebody`);
  expect(await keyCount(worker.link)).toBe(before);
});

test('when told to, it removes orphans and nothing else', async () => {
  const topic = await made('orders');
  const { lost } = await plantOrphans(worker.link);
  const { keys, details } = await fsck({ remove: true });
  expect(details).toMatchObject({ orphans: planted, removes: true });
  expect(keys).toBe(4);
  const { link } = worker;
  expect(await link.read.exists(lost.meta, lost.log, lost.producers)).toBe(0);
  expect(await link.read.exists(`${keyPrefix}{jobs}:housekeeping:12345`)).toBe(0);
  expect(await link.read.exists(`${keyPrefix}somebody`)).toBe(1);
  for (const partition of [0, 1]) {
    const { meta, log } = partitionKeys(keyPrefix, {
      topic: 'orders',
      topicId: topic.id,
      partition,
    });
    expect(await link.read.exists(meta, log)).toBe(2);
  }
  // The group is in the index again, and the next round takes the offsets of the topic from it.
  const groupKeys = new GroupKeys(keyPrefix);
  expect(await link.write.sismember(groupKeys.index, 'unlisted')).toBe(1);
  await worker.housekeeping.runNow({ kind: 'groups' });
  const { offsets } = groupKeys.of('unlisted');
  await eventually(async () => (await link.read.hexists(offsets, `${goneId}/0`)) === 0);
  expect((await fsck()).details).toMatchObject({ orphans: noOrphans });
});

test('a topic that is being made is not taken for nothing', async () => {
  const { link } = worker;
  const keys = partitionKeys(keyPrefix, { topic: 'coming', topicId: goneId, partition: 0 });
  const { deleted } = registryKeys(keyPrefix, link.db);
  await link.write.zadd(deleted, systemClock.nowMs() + 60_000, `1/${goneId}/coming`);
  await link.write.hset(keys.meta, 'next', '0');
  const { details } = await fsck({ remove: true });
  expect(details).toMatchObject({ orphans: noOrphans, keys: { passing: 1 } });
  expect(await link.read.exists(keys.meta)).toBe(1);
});

test('nothing is removed beside gateways that make and delete topics', async () => {
  const making = (async () => {
    for (let n = 0; n < 15; n++) await made(`topic-${n}`);
  })();
  for (let round = 0; round < 8; round++) {
    expect((await fsck({ remove: true })).details).toMatchObject({ orphans: noOrphans });
  }
  await making;
  expect((await fsck()).details).toMatchObject({ keys: { partition: 15 * 2 * partitionKeyCount } });
});

test.each([
  ['has a topic that cannot be read', 'hset'],
  ['is gone', 'del'],
  ['was gone, and a gateway has begun another', 'remade'],
  ['was gone, and a gateway has made a topic in another', 'grown'],
] as const)('nothing is removed where the registry %s', async (_, how) => {
  const { link } = worker;
  const topic = await made('orders');
  const { topics } = registryKeys(keyPrefix, link.db);
  if (how !== 'hset') await link.write.del(topics);
  if (how === 'grown') {
    const other = { format: 1, name: 'other', id: 'B'.repeat(22), partitions: 1, prepared: 1 };
    await link.write.hset(
      topics,
      'other',
      JSON.stringify({ ...other, configs: {}, createdAtMs: 0 }),
    );
  }
  if (how === 'remade' || how === 'grown') await (await startWorker({ redis, keyPrefix })).stop();
  if (how === 'hset') await link.write.hset(topics, 'other', '{"format":99}');
  await plantOrphans(link);
  const before = await keyCount(link);
  const { details } = await fsck({ remove: true });
  expect(details).toMatchObject({ isRegistryWhole: false, removes: false });
  expect(await keyCount(link)).toBeGreaterThanOrEqual(before);
  const ref = { topic: 'orders', topicId: topic.id, partition: 0 };
  expect(await link.read.exists(partitionKeys(keyPrefix, ref).meta)).toBe(1);
});

describe('a key is known by its name', () => {
  const id = 'q-83vXNzSDeDQ9-zm_Ik2A';
  it.each([
    [`{a.b_c-d/${id}/12}:log`, { kind: 'partition', topicId: id, partition: 12 }],
    [`{group/${id}/0}:state`, { kind: 'group', groupId: `${id}/0`, part: 'state' }],
    ['{group/a}:b{}:offsets', { kind: 'group', groupId: 'a}:b{', part: 'offsets' }],
    ['{registry}:topics', { kind: 'registry' }],
    ['{registry}:broker-sessions', { kind: 'registry' }],
    ['{registry}:more', { kind: 'unknown' }],
    ['{jobs}:workers', { kind: 'queue' }],
    ['{jobs}:housekeeping:wait', { kind: 'queue' }],
    ['{jobs}:housekeeping:repeat:groups', { kind: 'queue' }],
    ['{jobs}:housekeeping:repeat:groups:17:lock', { kind: 'job', jobId: 'repeat:groups:17' }],
    ['{jobs}:housekeeping:17', { kind: 'job', jobId: '17' }],
    ['{jobs}:other:17', { kind: 'unknown' }],
    [`{jobs/a.b}:fed:${id}/12`, { kind: 'partition', topicId: id, partition: 12 }],
    ['{jobs/a.b}:taken', { kind: 'stream-queue', queue: 'a.b' }],
    ['{jobs/a.b}:a.b:failed', { kind: 'stream-queue', queue: 'a.b' }],
    [`{jobs/a.b}:a.b:${id}.12.345:lock`, { kind: 'stream-queue', queue: 'a.b' }],
    ['{jobs/a.b}:other:failed', { kind: 'unknown' }],
    ['{jobs/a.b}:a.b:17', { kind: 'unknown' }],
    [`{a/${id}/12}:new`, { kind: 'unknown' }],
    ['a', { kind: 'unknown' }],
  ])('%s', (name, kind) => {
    expect(kindOfKey(`sluice:${name}`, 'sluice:')).toEqual(kind);
  });
});
