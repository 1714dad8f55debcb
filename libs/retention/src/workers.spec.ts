import { silentLogger, systemClock } from '@sluice/base';
import type { Topic } from '@sluice/log';
import { askRedis } from '@sluice/test/support/ask-redis';
import { appendAll } from '@sluice/test/support/appended';
import { batchAt } from '@sluice/test/support/batches';
import { eventually } from '@sluice/test/support/eventually';
import { adminOf, freshPrefix, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { startWorker, type TestWorker, type TestWorkerOptions } from '../test/test-worker';
import { WorkerProcess } from '../test/worker-process';
import { FsckTask } from './fsck/fsck';
import type { RunRequest } from './housekeeping';
import { TopicTrimmer } from './trim/topic-trimmer';

const hourMs = 3_600_000;
const limits = { lockMs: 1_000, stalledCheckMs: 300 };

let redis: TestRedis;
let keyPrefix: string;
const workers: TestWorker[] = [];
const processes: WorkerProcess[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(() => {
  keyPrefix = freshPrefix();
});
afterEach(async () => {
  await Promise.all(processes.splice(0).map((one) => one.kill()));
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
});

async function start(given: Partial<TestWorkerOptions> = {}): Promise<TestWorker> {
  const worker = await startWorker({ redis, keyPrefix, limits, ...given });
  workers.push(worker);
  return worker;
}

/** A process without a worker, to make topics, and a worker elsewhere that is stuck in a trim. */
async function startStuck(): Promise<{ maker: TestWorker; stuck: WorkerProcess; topic: Topic }> {
  const maker = await start({ options: { worker: false } });
  const configs = { 'retention.ms': String(20 * hourMs) };
  const reply = await maker.catalog.create({ name: 'orders', partitions: 1, configs });
  if (!('created' in reply)) throw new Error(JSON.stringify(reply));
  const topic = reply.created;
  const oldMs = systemClock.nowMs() - 40 * hourMs;
  await appendAll(maker.store, refOf(topic), [batchAt(oldMs), batchAt(oldMs)]);
  const orders = { url: redis.url, keyPrefix, isStuck: true, ...limits };
  const stuck = await WorkerProcess.start(orders);
  processes.push(stuck);
  await stuck.hasTold('trimming');
  return { maker, stuck, topic };
}

/** Has a job done now. @returns the id of its run */
async function ask({ housekeeping }: TestWorker, request: RunRequest): Promise<string> {
  const asked = await housekeeping.runNow(request);
  if (!('id' in asked)) throw new Error(asked.refused);
  return asked.id;
}

const refOf = ({ name, id }: Topic) => ({ topic: name, topicId: id, partition: 0 });

/** It is trimmed, and no job is left over. */
async function isFinished(worker: TestWorker, topic: Topic): Promise<void> {
  await eventually(async () => (await worker.store.bounds(refOf(topic)))?.logStartOffset === 2);
  await eventually(async () => (await worker.housekeeping.counts()).running === 0);
}

test('a worker that is killed in the middle of a trim leaves it to another', async () => {
  const { stuck, topic } = await startStuck();
  const other = await start();
  await stuck.kill();
  await isFinished(other, topic);
});

test('a worker that is frozen for longer than its lock stops when it goes on', async () => {
  const { stuck, topic } = await startStuck();
  stuck.freeze();
  const other = await start();
  await isFinished(other, topic);
  stuck.thaw();
  await stuck.hasTold('broken off: lock-lost');
});

test('a worker that is stopped puts its job back at once', async () => {
  let trims = 0;
  const trimmed = jest.spyOn(TopicTrimmer.prototype, 'trim').mockImplementation(
    (_, signal) =>
      new Promise((_resolve, reject) => {
        trims++;
        signal?.addEventListener('abort', () => reject(new Error('broken off')));
      }),
  );
  const first = await start({ limits: { lockMs: 60_000, stalledCheckMs: 60_000 } });
  await first.catalog.create({ name: 'orders', partitions: 1 });
  await first.housekeeping.runNow({ kind: 'retention', topic: 'orders' });
  await eventually(() => trims > 0);
  await first.stop();
  trimmed.mockRestore();
  const second = await start({ limits: { lockMs: 60_000, stalledCheckMs: 60_000 } });
  const done = await eventually(async () => {
    const runs = await second.housekeeping.runs();
    return runs.find(({ topicId }) => topicId !== null);
  });
  expect(done).toMatchObject({ state: 'done', failures: 0 });
});

test('two workers never do one job at the same time, and every job is done', async () => {
  const running = new Set<string>();
  const done: string[] = [];
  let doubled = 0;
  jest.spyOn(TopicTrimmer.prototype, 'trim').mockImplementation(async (topic) => {
    if (running.has(topic.id)) doubled++;
    running.add(topic.id);
    await new Promise((resolve) => setTimeout(resolve, 20));
    running.delete(topic.id);
    done.push(topic.id);
    return { partitions: 1, trimmedPartitions: 0, records: 0, batches: 0, bytes: 0, failures: [] };
  });
  const [one, two] = [await start(), await start()];
  await eventually(async () => (await one.housekeeping.lastRuns()).retention);
  for (let n = 0; n < 10; n++) {
    await one.catalog.create({ name: `t${n}`, partitions: 1 });
  }
  await eventually(() => two.catalog.list().length === 10);
  for (let n = 0; n < 10; n++) {
    for (const { housekeeping } of [one, two]) {
      await housekeeping.runNow({ kind: 'retention', topic: `t${n}` });
    }
  }
  await eventually(() => new Set(done).size === 10);
  expect(doubled).toBe(0);
  jest.restoreAllMocks();
});

test('a run of a schedule ends at once while the one before it is under way', async () => {
  await startStuck();
  const lines: string[] = [];
  const log = { ...silentLogger, debug: (message: string) => void lines.push(message) };
  const other = await start({ log, options: { checkIntervalMs: 1_000 } });
  await eventually(() => lines.includes('job retention is under way already'));
  expect((await other.housekeeping.counts()).running).toBeGreaterThan(0);
});

test('what is asked for while the same is under way is done after it', async () => {
  const { maker, stuck } = await startStuck();
  await start();
  const id = await ask(maker, { kind: 'retention' });
  await eventually(async () => (await maker.housekeeping.run(id))?.state === 'delayed');
  await stuck.kill();
  const run = await eventually(async () => {
    const found = await maker.housekeeping.run(id);
    return found?.state === 'done' ? found : undefined;
  });
  expect(run).toMatchObject({ failures: 0, report: { details: { topics: 1 } } });
});

test('an fsck that removes is done after one that does not, and never beside it', async () => {
  let [atOnce, atOnceMax] = [0, 0];
  const removes: boolean[] = [];
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const checked = jest.spyOn(FsckTask.prototype, 'run').mockImplementation(async (data) => {
    atOnceMax = Math.max(atOnceMax, ++atOnce);
    removes.push(data.remove ?? false);
    await ended;
    atOnce--;
    return {};
  });
  const worker = await start();
  await ask(worker, { kind: 'fsck' });
  await eventually(() => removes.length === 1);
  const id = await ask(worker, { kind: 'fsck', remove: true });
  await eventually(async () => (await worker.housekeeping.run(id))?.state === 'delayed');
  end();
  await eventually(async () => (await worker.housekeeping.run(id))?.state === 'done');
  checked.mockRestore();
  expect(removes).toEqual([false, true]);
  expect(atOnceMax).toBe(1);
});

test('Redis is restarted, and emptied: the worker waits, and the schedules come back', async () => {
  const lines: string[] = [];
  const log = { ...silentLogger, warn: (message: string) => void lines.push(message) };
  const worker = await start({ log });
  const kinds = async () => (await worker.housekeeping.schedules()).length;
  await eventually(async () => (await kinds()) === 5);
  await redis.restart();
  await eventually(async () => (await kinds()) === 5);
  await eventually(() => lines.includes('the retention worker goes on'));
  const about = lines.filter((line) => line.startsWith('the retention worker'));
  expect(about).toEqual(['the retention worker waits for Redis', 'the retention worker goes on']);
  const admin = await adminOf(redis);
  await admin.flushall();
  await redis.restart();
  await eventually(async () => (await kinds()) === 5);
  const asked = await worker.housekeeping.runNow({ kind: 'fsck' });
  await eventually(async () => {
    return 'id' in asked && (await worker.housekeeping.run(asked.id))?.state === 'done';
  });
});

test('a Redis that is full is trimmed all the same', async () => {
  const maker = await start({ options: { worker: false } });
  const configs = { 'retention.ms': String(20 * hourMs) };
  const reply = await maker.catalog.create({ name: 'full', partitions: 1, configs });
  if (!('created' in reply)) throw new Error(JSON.stringify(reply));
  const oldMs = systemClock.nowMs() - 40 * hourMs;
  await appendAll(maker.store, refOf(reply.created), [batchAt(oldMs), batchAt(oldMs)]);
  await askRedis(redis, 'CONFIG SET maxmemory 1mb');
  try {
    const lines: string[] = [];
    const log = { ...silentLogger, warn: (message: string) => void lines.push(message) };
    const worker = await start({ log });
    const logStart = async () => (await worker.store.bounds(refOf(reply.created)))?.logStartOffset;
    await eventually(async () => (await logStart()) === 2);
    expect(lines.some((line) => line.startsWith('Redis is full'))).toBe(true);
  } finally {
    await askRedis(redis, 'CONFIG SET maxmemory 0');
  }
});
