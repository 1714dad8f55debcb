import { silentLogger, systemClock } from '@sluice/base';
import { KeptMetrics } from '@sluice/process';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { FakeGround } from '../../test/fake-ground';
import { bullKey } from '../keys';
import { streamJobsLimits, type StreamJobsLimits } from '../limits';
import { resolveSettings } from '../options';
import { QueueProcess, type JobsRole } from '../queue-process';
import type { JobHandler } from './job-worker';

const jobOptions = { queue: 'billing', attempts: 2 };
const soon = { stalledCheckMs: 100, feedRetryMs: 20, deadLettersEveryMs: 50 };
const stops = { drainMsMax: 20, breakOffMsMax: 20 };

let redis: TestRedis;
let keyPrefix: string;
let observer: RedisLink;
let ground: FakeGround;
let metrics: KeptMetrics;
const ends: (() => Promise<unknown>)[] = [];

/** What handlers were called with, in order. */
const calls: { jobId: string; attempt: number; takeOvers: number }[] = [];

beforeAll(async () => (redis = await sharedRedis()));
beforeEach(async () => {
  observer = await connectLink(redis);
  ends.push(() => observer.close());
  ({ keyPrefix } = observer);
  ground = new FakeGround(observer, { clock: systemClock, log: silentLogger });
  metrics = new KeptMetrics();
  calls.splice(0);
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(() => redis.stop());

interface StartOptions {
  role?: JobsRole;
  more?: Partial<StreamJobsLimits>;
}

/** Starts one process of the queue. */
async function start(handle: JobHandler | null, options: StartOptions = {}): Promise<void> {
  const { role = 'worker', more } = options;
  const link: RedisLink = await connectLink(redis, { keyPrefix });
  const deps = {
    redis: link,
    createConsumer: ground.createConsumer.bind(ground),
    createProducer: ground.createProducer.bind(ground),
    clock: systemClock,
    log: silentLogger,
    limits: { ...streamJobsLimits, ...soon, ...stops, ...more },
    metrics,
  };
  const counted: JobHandler = (value, context) => {
    const { jobId, attempt, takeOvers } = context;
    calls.push({ jobId, attempt, takeOvers });
    return handle?.(value, context);
  };
  const settings = resolveSettings(['orders'], jobOptions);
  const one = new QueueProcess(deps, settings, role, handle && counted);
  await one.start();
  ends.push(async () => {
    await one.stop();
    await link.close();
  });
}

/** Lasts until the process is stopped. */
function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('given up')), { once: true });
  });
}

/** A process that falls silent while its handler runs. */
async function startSilent(more: Partial<StreamJobsLimits> = {}): Promise<void> {
  const before = calls.length;
  await start((_, { signal }) => ended(signal), { more });
  await eventually(() => calls.length === before + 1);
  // As after `lockDuration` without a word from it.
  const jobId = calls.at(-1)!.jobId;
  expect(await observer.write.del(bullKey(keyPrefix, 'billing', `${jobId}:lock`))).toBe(1);
}

const textOf = async (): Promise<string> => metrics.text();

test('an attempt that ends with its process is none: the job has all its attempts', async () => {
  await start(null, { role: 'feeder' });
  ground.give('orders', 0, [{ order: 1 }]);
  await startSilent();
  await start((_, { attempt }) => {
    if (attempt === 1) throw new Error('the bank is asleep');
  });
  await eventually(async () => (await textOf()).includes('completed_total{queue="billing"} 1'));
  expect(calls).toMatchObject([
    { attempt: 1, takeOvers: 0 },
    { attempt: 1, takeOvers: 1 },
    { attempt: 2, takeOvers: 1 },
  ]);
  expect(ground.sent).toEqual([]);
  const text = await textOf();
  expect(text).toContain('sluice_jobs_fed_total{queue="billing"} 1');
  expect(text).toContain('sluice_jobs_taken_over_total{queue="billing"} 1');
  expect(text).toMatch(/attempt_seconds_count\{queue="billing",outcome="failed"\} 1/);
  expect(text).toMatch(/attempt_seconds_count\{queue="billing",outcome="succeeded"\} 1/);
});

test('a job whose processes die of it is a dead letter, and is begun no more', async () => {
  const more = { stalledMax: 1 };
  await start(null, { role: 'feeder' });
  ground.give('orders', 0, [{ order: 1 }]);
  await startSilent(more);
  await startSilent(more);
  await start(() => undefined, { more });
  const [letter] = await eventually(() => ground.sent.length > 0 && ground.sent);
  const story = Object.fromEntries(letter!.headers!.map((one) => [one.key, String(one.value)]));
  expect(story).toMatchObject({ 'sluice-attempts': '2', 'sluice-reason': 'workers-died' });
  expect(calls).toMatchObject([
    { attempt: 1, takeOvers: 0 },
    { attempt: 1, takeOvers: 1 },
  ]);
  await eventually(async () => (await textOf()).includes('dead_letters_total{queue="billing"} 1'));
  expect(await textOf()).toContain('sluice_jobs_failed_total{queue="billing"} 1');
});
