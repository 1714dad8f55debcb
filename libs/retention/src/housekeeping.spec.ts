import { silentLogger, systemClock } from '@sluice/base';
import { GroupKeys } from '@sluice/groups';
import { partitionKeys, type Topic, type TopicCatalog } from '@sluice/log';
import { appendAll } from '@sluice/test/support/appended';
import { batchAt } from '@sluice/test/support/batches';
import { eventually } from '@sluice/test/support/eventually';
import { freshPrefix, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { startWorker, type TestWorker, type TestWorkerOptions } from '../test/test-worker';
import type { Housekeeping, RunRequest } from './housekeeping';
import type { JobRun } from './queue/runs';
import { TopicTrimmer } from './trim/topic-trimmer';

const hourMs = 3_600_000;

let redis: TestRedis;
let keyPrefix: string;
const workers: TestWorker[] = [];

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(() => {
  keyPrefix = freshPrefix();
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
});

async function start(given: Partial<TestWorkerOptions> = {}): Promise<TestWorker> {
  const worker = await startWorker({ redis, keyPrefix, ...given });
  workers.push(worker);
  return worker;
}

/** One that has done what is planned for its start; nothing else is planned soon. */
async function startSettled(given: Partial<TestWorkerOptions> = {}): Promise<TestWorker> {
  const worker = await start(given);
  await eventually(async () => (await worker.housekeeping.lastRuns()).retention);
  await eventually(async () => (await worker.housekeeping.counts()).running === 0);
  return worker;
}

/** Asks for a job and waits for its end. */
async function done(housekeeping: Housekeeping, request: RunRequest): Promise<JobRun> {
  const asked = await housekeeping.runNow(request);
  if ('refused' in asked) throw new Error(asked.refused);
  return eventually(async () => {
    const run = await housekeeping.run(asked.id);
    return (run?.state === 'done' || run?.state === 'failed') && run;
  });
}

async function made(catalog: TopicCatalog, name: string, configs = {}): Promise<Topic> {
  const reply = await catalog.create({ name, partitions: 1, configs });
  if (!('created' in reply)) throw new Error(JSON.stringify(reply));
  return reply.created;
}

/** One batch of one record for each of these ages. */
async function fill({ store }: TestWorker, topic: Topic, agesMs: number[]): Promise<void> {
  const nowMs = systemClock.nowMs();
  await appendAll(
    store,
    refOf(topic),
    agesMs.map((ageMs) => batchAt(nowMs - ageMs)),
  );
}

const refOf = ({ name, id }: Topic) => ({ topic: name, topicId: id, partition: 0 });

async function logStart({ store }: TestWorker, topic: Topic): Promise<number | undefined> {
  return (await store.bounds(refOf(topic)))?.logStartOffset;
}

describe('retention', () => {
  it('is done when asked for, of all topics or of one, and its run tells what went', async () => {
    const worker = await startSettled();
    const { housekeeping, catalog } = worker;
    const configs = { 'retention.ms': String(20 * hourMs) };
    const [one, other] = [await made(catalog, 'one', configs), await made(catalog, 'two', configs)];
    for (const topic of [one, other]) await fill(worker, topic, [40 * hourMs, 30 * hourMs, 0]);
    const first = await done(housekeeping, { kind: 'retention', topic: 'one' });
    expect(first).toMatchObject({ state: 'done', topicId: one.id, report: { records: 2 } });
    expect([await logStart(worker, one), await logStart(worker, other)]).toEqual([2, 0]);
    const second = await done(housekeeping, { kind: 'retention' });
    expect(second.report).toMatchObject({ records: 2, details: { topics: 2, partitions: 2 } });
    expect(await logStart(worker, other)).toBe(2);
    const runs = await housekeeping.runs();
    expect(runs.map(({ id }) => id)).toEqual(expect.arrayContaining([first.id, second.id]));
    expect((await housekeeping.lastRuns()).retention?.report).toMatchObject({ records: 2 });
    expect(await housekeeping.runNow({ kind: 'retention', topic: 'none' })).toEqual({
      refused: 'unknown-topic',
    });
  });

  it('follows a change of configs by itself', async () => {
    const worker = await startSettled();
    const topic = await made(worker.catalog, 'changed');
    await fill(worker, topic, [4 * hourMs, 0]);
    const replace = { 'retention.ms': String(hourMs) };
    await worker.catalog.setConfigs('changed', { replace });
    await eventually(async () => (await logStart(worker, topic)) === 1);
  });

  it('of a topic with a short time is looked at more often, until that is long', async () => {
    const worker = await start({ options: { checkIntervalMs: hourMs } });
    const topic = await made(worker.catalog, 'short', { 'retention.ms': '2000' });
    const planned = async () => {
      const schedules = await worker.housekeeping.schedules();
      return schedules.find(({ kind }) => kind === 'short-retention');
    };
    await eventually(async () => (await planned())?.everyMs === 1_000);
    await fill(worker, topic, [0]);
    await eventually(async () => (await logStart(worker, topic)) === 1);
    await worker.catalog.setConfigs('short', { replace: {} });
    await eventually(async () => (await planned()) === undefined);
  });
});

const everyMs = async ({ housekeeping }: TestWorker) =>
  (await housekeeping.schedules()).find(({ kind }) => kind === 'retention')?.everyMs;

describe('schedules', () => {
  it('are decided by the worker that was started last, and the others keep to that', async () => {
    const limits = { keepSchedulesEveryMs: 20 };
    const first = await start({ options: { checkIntervalMs: 100_000 }, limits });
    await eventually(async () => (await everyMs(first)) === 100_000);
    const second = await start({ options: { checkIntervalMs: 200_000 }, limits });
    await eventually(async () => (await everyMs(first)) === 200_000);
    const seen = new Set<number | undefined>();
    for (let look = 0; look < 20; look++) seen.add(await everyMs(first));
    expect([...seen]).toEqual([200_000]);
    await second.stop();
    // What is missing is made again as it was, by whoever is there.
    const queue = await first.housekeeping.queue();
    await queue.removeJobScheduler('retention');
    await eventually(async () => (await everyMs(first)) === 200_000);
  });

  it('are planned anew where they have gone astray', async () => {
    const worker = await start({ limits: { keepSchedulesEveryMs: 20 } });
    await eventually(async () => (await everyMs(worker)) === hourMs);
    const key = `${keyPrefix}{jobs}:housekeeping:repeat`;
    const nextMs = async () => Number(await worker.link.write.zscore(key, 'retention'));
    for (const astrayMs of [5 * hourMs, -5 * hourMs]) {
      await worker.link.write.zadd(key, systemClock.nowMs() + astrayMs, 'retention');
      await eventually(async () => Math.abs((await nextMs()) - systemClock.nowMs()) <= hourMs);
    }
  });
});

describe('a deleted topic', () => {
  it('is freed at once, with its offsets in all groups', async () => {
    const worker = await startSettled();
    const { catalog, link } = worker;
    const topic = await made(catalog, 'gone');
    await fill(worker, topic, [0]);
    const { state, offsets } = new GroupKeys(keyPrefix).of('readers');
    await link.write.hset(state, { head: '{"state":"stable"', fence: '0/x/1', format: '1' });
    await link.write.hset(offsets, { format: '2', [`${topic.id}/0`]: 'v2 1 -1 1 1 ' });
    await link.write.sadd(new GroupKeys(keyPrefix).index, 'readers');
    await catalog.delete('gone');
    await eventually(async () => (await link.read.hexists(offsets, `${topic.id}/0`)) === 0);
    expect(await link.read.exists(...Object.values(partitionKeys(keyPrefix, refOf(topic))))).toBe(
      0,
    );
  });

  it('is no trouble for the job that trims it', async () => {
    const worker = await start();
    const topic = await made(worker.catalog, 'gone', { 'retention.ms': '1' });
    await fill(worker, topic, [hourMs, hourMs]);
    const asked = await worker.housekeeping.runNow({ kind: 'retention', topic: 'gone' });
    await worker.catalog.delete('gone');
    const run = await eventually(async () => {
      const found = await worker.housekeeping.run('id' in asked ? asked.id : '');
      return found?.state === 'done' && found;
    });
    expect(run.reason).toBeNull();
  });
});

describe('operators', () => {
  it('see counts, and have a run that failed tried again', async () => {
    const limits = { attemptsMax: 2, retryDelayMs: 1 };
    const lines: string[] = [];
    const note = (message: string) => void lines.push(message);
    const log = { ...silentLogger, warn: note };
    const worker = await startSettled({ limits, log });
    const { housekeeping } = worker;
    const trimmed = jest.spyOn(TopicTrimmer.prototype, 'trim');
    trimmed.mockRejectedValue(new Error('it does not go'));
    await made(worker.catalog, 'any');
    const failed = await done(housekeeping, { kind: 'retention', topic: 'any' });
    expect(failed).toMatchObject({ state: 'failed', failures: 2, reason: 'it does not go' });
    expect(lines).toEqual(['job retention failed; it is tried again', 'job retention failed']);
    expect(await housekeeping.counts()).toMatchObject({ failed: 1, workers: 1 });
    expect(await housekeeping.runs({ states: ['failed'] })).toMatchObject([{ id: failed.id }]);
    trimmed.mockRestore();
    expect(await housekeeping.retry(failed.id)).toBe('retried');
    await eventually(async () => (await housekeeping.run(failed.id))?.state === 'done');
    expect(await housekeeping.retry(failed.id)).toBe('not-failed');
    expect(await housekeeping.retry('none')).toBe('not-found');
  });

  it('are told once when there is no worker anywhere, and when there is one again', async () => {
    const lines: string[] = [];
    const log = { ...silentLogger, warn: (message: string) => void lines.push(message) };
    const limits = { workerCheckEveryMs: 10 };
    await start({ options: { worker: false }, limits, log });
    await eventually(() => lines.length === 1);
    expect(lines[0]).toMatch(/^there is no retention worker/);
    await start();
    await eventually(() => lines.length === 2);
    expect(lines[1]).toBe('there is a retention worker again');
  });
});
