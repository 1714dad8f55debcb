import { Injectable, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { silentLogger, systemClock } from '@sluice/base';
import { RedisUnavailable, type RedisLink } from '@sluice/redis';
import { kindOfKey } from '@sluice/retention';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import { FakeGround } from '../../test/fake-ground';
import {
  StreamJob,
  StreamJobsModule,
  type StreamJobContext,
  type StreamJobFeed,
  type StreamJobsLimits,
} from '..';
import type { JobsRole } from '../queue-process';

const GROUND = Symbol('ground');
const limits: Partial<StreamJobsLimits> = { feedRetryMs: 20, deadLettersEveryMs: 50 };

let link: RedisLink;
let ground: FakeGround;
const apps: INestApplicationContext[] = [];

beforeEach(async () => {
  link = await connectLink(await sharedRedis());
  ground = new FakeGround(link, { clock: systemClock, log: silentLogger });
  charges.splice(0);
});

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
  await link.close();
});

afterAll(async () => (await sharedRedis()).stop());

interface Order {
  order: number;
  total?: number;
}

/** What the handlers below were called with. */
const charges: { order: number; attempt: number }[] = [];

@Injectable()
class Billing {
  @StreamJob('orders', { queue: 'billing', attempts: 3, backoff: 1, concurrency: 2 })
  charge({ order, total = 1 }: Order, { attempt }: StreamJobContext): number {
    charges.push({ order, attempt });
    if (order === 13) throw new RangeError('the card is refused');
    if (order === 7 && attempt < 3) throw new Error('the bank is asleep');
    return total;
  }
}

@Injectable()
class Patient {
  @StreamJob('orders', { queue: 'slow' })
  async wait({ order }: Order, { attempt, signal }: StreamJobContext): Promise<void> {
    charges.push({ order, attempt });
    await new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('given up')), { once: true });
    });
  }
}

interface AppOptions {
  role?: JobsRole;
  feeds?: StreamJobFeed[];
  more?: Partial<StreamJobsLimits>;
}

async function start(providers: Type[], options: AppOptions = {}): Promise<void> {
  const { more, ...others } = options;
  @Module({ providers: [{ provide: GROUND, useValue: ground }], exports: [GROUND] })
  class GroundModule {}
  @Module({
    imports: [
      StreamJobsModule.forRoot({
        imports: [GroundModule],
        ground: GROUND,
        limits: { ...limits, ...more },
        ...others,
      }),
    ],
    providers,
  })
  class App {}
  const app = await NestFactory.createApplicationContext(App, {
    logger: false,
    abortOnError: false,
  });
  apps.push(app);
  await app.init();
}

const ordersDone = () => charges.map(({ order }) => order).sort((a, b) => a - b);

test('each record of the topic is a job of the method, and is acknowledged', async () => {
  await start([Billing]);
  const partition = ground.give(
    'orders',
    0,
    [1, 2, 3].map((order) => ({ order })),
  );
  await eventually(() => charges.length === 3 && partition.acknowledged.length === 3);
  expect(ordersDone()).toEqual([1, 2, 3]);
  expect(partition.acknowledged).toEqual([0, 1, 2]);
  expect(ground.settings).toMatchObject({ group: 'jobs.billing', topics: ['orders'] });
});

test('a job that fails is tried again, and one that fails for good is a dead letter', async () => {
  await start([Billing]);
  ground.give('orders', 5, [{ order: 7 }, { order: 13 }]);
  const [letter] = await eventually(() => ground.sent.length > 0 && ground.sent);
  expect(letter).toMatchObject({ topic: 'orders.dlq', key: Buffer.from('alice') });
  expect(letter!.value!.toString()).toBe('{"order":13}');
  const story = Object.fromEntries(letter!.headers!.map((one) => [one.key, String(one.value)]));
  expect(story).toMatchObject({
    source: 'test',
    'sluice-origin-topic': 'orders',
    'sluice-origin-offset': '6',
    'sluice-group': 'jobs.billing',
    'sluice-attempts': '3',
    'sluice-reason': 'attempts-exhausted',
    'sluice-error-name': 'RangeError',
    'sluice-error-message': 'the card is refused',
    'sluice-error-stack': expect.stringContaining('charge'),
  });
  await eventually(() => charges.length === 6);
  const ofSeven = charges.filter(({ order }) => order === 7);
  expect(ofSeven.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  const failed = `${link.keyPrefix}{jobs/billing}:billing:failed`;
  await eventually(async () => (await link.read.zcard(failed)) === 0);
  expect(ground.sent).toHaveLength(1);
});

test('a dead letter that cannot be written is tried again; the job stays until then', async () => {
  ground.refuseLetters = true;
  await start([Billing]);
  ground.give('orders', 0, [{ order: 13 }]);
  const failed = `${link.keyPrefix}{jobs/billing}:billing:failed`;
  await eventually(() => ground.refused >= 2);
  expect(await link.read.zcard(failed)).toBe(1);
  ground.refuseLetters = false;
  await eventually(async () => (await link.read.zcard(failed)) === 0);
  expect(ground.sent).toHaveLength(1);
});

test('a value that cannot be read fails at once', async () => {
  await start([Billing]);
  ground.giveRaw('orders', 0, ['{']);
  const [letter] = await eventually(() => ground.sent.length > 0 && ground.sent);
  const reason = letter!.headers!.find(({ key }) => key === 'sluice-reason');
  expect(String(reason!.value)).toBe('undecodable');
  expect(charges).toEqual([]);
});

test('one process feeds, and another does the jobs', async () => {
  const feed = { topics: ['orders'], queue: 'billing', attempts: 3, backoff: 1 };
  await start([], { role: 'feeder', feeds: [feed] });
  const partition = ground.give('orders', 0, [{ order: 1 }, { order: 7 }]);
  await eventually(() => partition.acknowledged.length === 2);
  expect(charges).toEqual([]);
  await start([Billing], { role: 'worker' });
  await eventually(() => charges.length === 4);
  expect(ordersDone()).toEqual([1, 7, 7, 7]);
  expect(ground.consumers).toBe(1);
});

test('a stop breaks off a job that does not end, and another worker has it at once', async () => {
  await start([Patient], { more: { drainMsMax: 50 } });
  ground.give('orders', 0, [{ order: 1 }]);
  await eventually(() => charges.length === 1);
  await apps.pop()!.close();
  await start([Patient], { role: 'worker', more: { drainMsMax: 50 } });
  await eventually(() => charges.length === 2);
  // It does not count as a failure.
  expect(charges[1]).toEqual({ order: 1, attempt: 1 });
});

test('what waits to be fed is let go when its partition is taken away', async () => {
  await start([], { feeds: [{ topics: ['orders'], queue: 'idle', waitingJobsMax: 2 }] });
  const partition = ground.give(
    'orders',
    0,
    [1, 2, 3, 4].map((order) => ({ order })),
  );
  await eventually(() => partition.acknowledged.length === 2);
  partition.revoke();
  await eventually(() => partition.released.length === 2);
  expect(partition.acknowledged).toEqual([0, 1]);
  expect(partition.released).toEqual([2, 3]);
});

test('a queue is fed although Redis was away when its consumer was to start', async () => {
  ground.startFailure = new RedisUnavailable('disconnected', 'join: there is no connection');
  await start([Billing]);
  await eventually(() => ground.consumers === 2);
  ground.give('orders', 0, [{ order: 1 }]);
  await eventually(() => charges.length === 1);
});

test('a group that cannot be joined ends the start', async () => {
  ground.startFailure = new Error('the group has members of another kind');
  await expect(start([Billing])).rejects.toBe(ground.startFailure);
});

test('two methods cannot have one queue', async () => {
  @Injectable()
  class Twin extends Billing {}
  await expect(start([Billing, Twin])).rejects.toThrow(/queue "billing"/);
});

test('the key check knows every key of a queue', async () => {
  await start([Billing]);
  ground.give('orders', 0, [{ order: 1 }, { order: 7 }, { order: 13 }]);
  await eventually(() => ground.sent.length > 0);
  const keys = await link.write.scan('0', 'MATCH', `${link.keyPrefix}*`, 'COUNT', 10_000);
  const kinds = keys[1].map((key) => [key, kindOfKey(key, link.keyPrefix).kind]);
  expect(kinds.length).toBeGreaterThan(5);
  expect(kinds.filter(([, kind]) => kind !== 'stream-queue' && kind !== 'partition')).toEqual([]);
});
