import { EventEmitter, once } from 'node:events';
import { Queue } from 'bullmq';
import { silentLogger, systemClock } from '@sluice/base';
import { UnknownOutcome, type JobConnection, type RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { adminOf, connectLink, sharedRedis, startRedis } from '@sluice/test/support/redis';
import { FakePartition } from '../../test/fake-partition';
import type { BullJob, StreamQueue } from '../bullmq';
import { bytesOf, headersOf } from '../job-data';
import { queuePrefix } from '../keys';
import { streamJobsLimits } from '../limits';
import { resolveSettings, type StreamJobOptions } from '../options';
import { FeedLine, type TakenRecord } from './feed-line';

const topicId = 'q-83vXNzSDeDQ9-zm_Ik2A';

let link: RedisLink;
let queue: StreamQueue;
let connection: JobConnection;
const lines: FeedLine[] = [];

beforeAll(() => sharedRedis());

beforeEach(async () => {
  link = await connectLink(await sharedRedis());
  queue = queueOf(link);
});

afterEach(async () => {
  await Promise.all(lines.splice(0).map((line) => line.close()));
  await queue.close();
  await connection.close();
});

afterAll(async () => (await sharedRedis()).stop());

/** The queue, as the test itself sees it. */
function queueOf(redis: RedisLink): StreamQueue {
  const prefix = queuePrefix(redis.keyPrefix, 'billing');
  connection = redis.openJobConnection('work', prefix);
  return new Queue('billing', { connection: connection.redis, prefix });
}

function lineOn(redis: RedisLink, options: Partial<StreamJobOptions> = {}): FeedLine {
  const settings = resolveSettings(['orders'], { queue: 'billing', ...options });
  const deps = { redis, clock: systemClock, log: silentLogger, limits: streamJobsLimits };
  const line = new FeedLine({ ...deps, settings });
  lines.push(line);
  return line;
}

/** The link, with transactions as the test has them. */
function linkWith(around: (go: () => Promise<unknown>) => Promise<unknown>): RedisLink {
  const openJobConnection: RedisLink['openJobConnection'] = (kind, key) => {
    const opened = link.openJobConnection(kind, key);
    const { redis } = opened;
    if ('transaction' in redis) {
      const transaction = redis.transaction.bind(redis);
      redis.transaction = (...args) => around(() => transaction(...args));
    }
    return opened;
  };
  return Object.assign(Object.create(link) as RedisLink, { openJobConnection });
}

function taken(owner: FakePartition, from: number, count: number): TakenRecord[] {
  const values = Array.from({ length: count }, (_, index) => ({ order: from + index }));
  return owner.records(from, values).map((record) => ({ owner, record }));
}

async function allJobs(): Promise<BullJob[]> {
  return queue.getJobs(['waiting', 'delayed', 'prioritized', 'failed', 'completed']);
}

async function offsets(): Promise<number[]> {
  return (await allJobs()).map(({ data }) => data.offset).sort((a, b) => a - b);
}

test('a record becomes a job that has all of it, and tells where it came from', async () => {
  const owner = new FakePartition(topicId, 'orders', 3);
  const binary = Buffer.from([0, 255, 128, 10]);
  const records = [owner.record(7, '{"total":"12 €"}', 'ålice'), owner.record(9, binary)];
  const line = lineOn(link, { attempts: 4, backoff: { type: 'exponential', delay: 9 } });
  const fed = await line.feed(records.map((record) => ({ owner, record })));
  expect(fed).toEqual({ count: 2, newCount: 2, rest: 'none' });
  const [text, bytes] = (await queue.getJobs(['waiting'], 0, -1, true)) as [BullJob, BullJob];
  expect(text).toMatchObject({ id: `${topicId}.3.7`, name: 'orders' });
  expect(text.opts).toMatchObject({ attempts: 4, backoff: { type: 'exponential', delay: 9 } });
  expect(text.data).toMatchObject({ topic: 'orders', partition: 3, offset: 7, key: 'ålice' });
  expect(text.data.value).toBe('{"total":"12 €"}');
  expect(bytesOf(bytes.data.value)).toEqual(binary);
  expect(headersOf(bytes.data)).toEqual(records[1]!.headers);
});

test('what is fed again becomes no job, also when its job was done and forgotten', async () => {
  const owner = new FakePartition(topicId);
  await lineOn(link).feed(taken(owner, 0, 3));
  await queue.drain();
  expect(await offsets()).toEqual([]);
  const again = await lineOn(link).feed(taken(owner, 1, 4));
  expect(again).toEqual({ count: 4, newCount: 2, rest: 'none' });
  expect(await offsets()).toEqual([3, 4]);
});

test('one that was frozen before its transaction adds nothing that another has fed', async () => {
  const owner = new FakePartition(topicId);
  const ice = new EventEmitter();
  const frozen = once(ice, 'thaw');
  let begun = false;
  const slow = lineOn(
    linkWith(async (go) => {
      begun = true;
      await frozen;
      return go();
    }),
  );
  const late = slow.feed(taken(owner, 0, 3));
  await eventually(() => begun);
  await lineOn(link).feed(taken(owner, 0, 5));
  await queue.drain();
  ice.emit('thaw');
  expect(await late).toEqual({ count: 0, newCount: 0, rest: 'contended' });
  expect(await offsets()).toEqual([]);
  expect(await slow.feed(taken(owner, 0, 6))).toMatchObject({ count: 6, newCount: 1 });
});

test('after a lost reply the same is fed again, and becomes jobs once', async () => {
  const owner = new FakePartition(topicId);
  let lost = 0;
  const line = lineOn(
    linkWith(async (go) => {
      const reply = await go();
      if (lost++ === 0) throw new UnknownOutcome('jobs/feed');
      return reply;
    }),
  );
  await expect(line.feed(taken(owner, 0, 3))).rejects.toThrow(UnknownOutcome);
  await queue.drain();
  expect(await line.feed(taken(owner, 0, 4))).toEqual({ count: 4, newCount: 1, rest: 'none' });
  expect(await offsets()).toEqual([3]);
});

test('a server that has forgotten all scripts adds all or nothing', async () => {
  const owner = new FakePartition(topicId);
  const line = lineOn(link);
  await line.feed(taken(owner, 0, 2));
  const admin = await adminOf(await sharedRedis());
  await admin.script('FLUSH');
  await expect(line.feed(taken(owner, 2, 2))).rejects.toThrow(/NOSCRIPT/);
  expect(await offsets()).toEqual([0, 1]);
  expect(await line.feed(taken(owner, 2, 2))).toMatchObject({ count: 2, newCount: 2 });
  expect(await offsets()).toEqual([0, 1, 2, 3]);
});

test('partitions are fed together, and a partition of a deleted topic is another', async () => {
  const owners = [0, 1].map((partition) => new FakePartition(topicId, 'orders', partition));
  const anew = new FakePartition('r-83vXNzSDeDQ9-zm_Ik2A');
  const line = lineOn(link);
  const both = owners.flatMap((owner) => taken(owner, 0, 2));
  expect(await line.feed(both)).toMatchObject({ count: 4, newCount: 4 });
  expect(await line.feed(taken(anew, 0, 2))).toMatchObject({ count: 2, newCount: 2 });
  expect(await offsets()).toEqual([0, 0, 0, 1, 1, 1]);
});

test.each([
  ['wait', {}],
  ['wait by priority', { priority: 3 }],
  ['are delayed', { delay: 3_600_000 }],
])('nothing is fed while as many jobs as may %s', async (_, options) => {
  const owner = new FakePartition(topicId);
  const line = lineOn(link, { ...options, waitingJobsMax: 5 });
  expect(await line.feed(taken(owner, 0, 3))).toMatchObject({ count: 3 });
  expect(await line.feed(taken(owner, 1, 6))).toEqual({ count: 4, newCount: 2, rest: 'full' });
  expect(await line.feed(taken(owner, 5, 2))).toEqual({ count: 0, newCount: 0, rest: 'full' });
  // What was fed before needs no room.
  expect(await line.feed(taken(owner, 3, 3))).toEqual({ count: 2, newCount: 0, rest: 'full' });
  await (await queue.getJob(`${topicId}.0.0`))!.remove();
  expect(await line.feed(taken(owner, 5, 2))).toMatchObject({ count: 1, newCount: 1 });
});

test('a Redis that was killed is told, and what was fed before stays fed', async () => {
  const redis = await startRedis();
  const own = await connectLink(redis);
  const owner = new FakePartition(topicId);
  const line = lineOn(own);
  await line.feed(taken(owner, 0, 2));
  await redis.kill();
  await expect(line.feed(taken(owner, 2, 2))).rejects.toMatchObject({ name: expect.any(String) });
  await redis.restart();
  const fed = await eventually(() => line.feed(taken(owner, 0, 4)));
  expect(fed).toEqual({ count: 4, newCount: 2, rest: 'none' });
  await line.close();
  await redis.stop();
});
