import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { ErrorCode } from '@sluice/wire';
import { TestConsumer, type ConsumerOptions } from '../../test/test-consumer';
import type { GroupLimits } from '../limits';
import { GroupKeys } from '../store/keys';
import { GroupCoordinator } from './coordinator';

let redis: TestRedis;
let link: RedisLink;
let coordinator: GroupCoordinator;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis, { commandStallMs: 1_500 });
  coordinator = await startCoordinator();
});
afterEach(async () => {
  await coordinator.stop();
  await link.close();
});

async function startCoordinator(limits: Partial<GroupLimits> = {}): Promise<GroupCoordinator> {
  const started = new GroupCoordinator({
    redis: link,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    limits: {
      initialRebalanceDelayMs: 20,
      sessionTimeoutMsMin: 50,
      reloadDelayMs: 50,
      ...limits,
    },
  });
  started.start();
  return started;
}

function consumer(name: string, options: Partial<ConsumerOptions> = {}): TestConsumer {
  return new TestConsumer({ coordinator: () => coordinator, groupId: 'g', name, ...options });
}

async function until(isSo: () => boolean | Promise<boolean>, timeoutMs = 45_000): Promise<void> {
  const endMs = systemClock.monotonicMs() + timeoutMs;
  while (!(await isSo())) {
    if (systemClock.monotonicMs() > endMs) throw new Error('it did not become so in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const unavailable = ErrorCode.COORDINATOR_NOT_AVAILABLE;

describe('Redis is gone', () => {
  test('requests are refused at once, and all is well when it is back', async () => {
    const member = consumer('a');
    await member.enter();
    expect(await member.commit(1)).toBe(ErrorCode.NONE);
    await redis.kill();
    await until(() => !link.status().connected);

    expect(await member.commit(2)).toBe(unavailable);
    expect((await consumer('b').join()).errorCode).toBe(unavailable);
    expect((await consumer('c', { groupId: 'other' }).join()).errorCode).toBe(unavailable);
    expect((await coordinator.describe('other')).errorCode).toBe(unavailable);
    expect((await coordinator.list()).errorCode).toBe(unavailable);
    expect(await coordinator.deleteGroup('other')).toBe(unavailable);
    const fetched = await coordinator.fetchOffsets({ groupId: 'g', partitions: null });
    expect(fetched.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    // Nothing was written, so memory and Redis still agree, and the member is still one.
    expect((await member.heartbeat()).errorCode).toBe(ErrorCode.NONE);

    await redis.restart();
    await until(async () => (await member.commit(3)) === ErrorCode.NONE);
    const read = () => coordinator.fetchOffsets({ groupId: 'g', partitions: null });
    await until(async () => (await read()).errorCode === ErrorCode.NONE);
    expect((await read()).offsets[0]!.offset).toBe(3);
    expect((await member.heartbeat()).errorCode).toBe(ErrorCode.NONE);
  });

  test('parked requests are answered when their generation cannot be stored', async () => {
    // Redis is killed within the time that a rebalance takes.
    const timeouts = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 2_000 };
    const member = consumer('a', timeouts);
    await member.enter();
    const { memberId } = member;
    const other = consumer('b', timeouts);
    const parked = other.enter();
    await until(async () => (await coordinator.describe('g')).groupState === 'PreparingRebalance');
    await redis.kill();
    await parked;
    expect(other.errors).toEqual([unavailable]);
    expect((await member.heartbeat()).errorCode).toBe(unavailable);

    await redis.restart();
    member.start();
    other.start();
    await until(() => member.assigned?.length === 3 && other.assigned?.length === 3);
    expect(member.memberId).toBe(memberId);
    await Promise.all([member.die(), other.die()]);
  });

  test('a Redis that lost the last writes is noticed when it is back', async () => {
    const member = consumer('a');
    await member.enter();
    await link.write.del(new GroupKeys(link.keyPrefix).state('g'));
    expect((await member.heartbeat()).errorCode).toBe(ErrorCode.NONE);
    await redis.kill();
    await redis.restart();
    await until(async () => (await member.heartbeat()).errorCode === ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('members that die while Redis is away are removed when it is back', async () => {
    const member = consumer('a', { sessionTimeoutMs: 200 });
    await member.enter();
    await redis.kill();
    await new Promise((resolve) => setTimeout(resolve, 400));
    await redis.restart();
    await until(async () => (await coordinator.list()).groups[0]?.groupState === 'Empty');
  });
});

describe('Redis does not answer', () => {
  test('after an unknown outcome memory agrees with Redis', async () => {
    const member = consumer('a', { sessionTimeoutMs: 20_000 });
    await member.enter();
    await redis.pause();
    const joining = consumer('b').join();
    const committing = member.commit(5);
    expect((await joining).errorCode).toBe(unavailable);
    expect(await committing).toBe(unavailable);
    await redis.resume();
    await until(async () => (await coordinator.describe('g')).errorCode === ErrorCode.NONE);
    await until(async () => (await member.commit(6)) === ErrorCode.NONE);
    const { offsets } = await coordinator.fetchOffsets({ groupId: 'g', partitions: null });
    expect(offsets[0]!.offset).toBe(6);
    // Whether the paused Redis ran the join or not: both tell the same.
    const inMemory = (await coordinator.describe('g')).members.length;
    const fresh = await startCoordinator();
    expect((await fresh.describe('g')).members).toHaveLength(inMemory);
    await fresh.stop();
  });

  test('a group that takes long to read is said to be loading', async () => {
    await consumer('a').enter();
    await coordinator.stop();
    coordinator = await startCoordinator({ loadWaitMsMax: 100 });
    await redis.pause();
    const first = coordinator.describe('g');
    expect((await first).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    const second = await coordinator.describe('g');
    expect(second.errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    await redis.resume();
    await until(async () => (await coordinator.describe('g')).errorCode === ErrorCode.NONE);
    expect((await coordinator.describe('g')).members).toHaveLength(1);
  });

  test('no more requests wait than the limit allows', async () => {
    await consumer('a').enter();
    await coordinator.stop();
    coordinator = await startCoordinator({ queuedRequestsPerGroupMax: 3 });
    await redis.pause();
    const asked = Array.from({ length: 5 }, () => coordinator.describe('g'));
    const refused = await Promise.all(asked.slice(3));
    expect(refused.map(({ errorCode }) => errorCode)).toEqual([unavailable, unavailable]);
    await redis.resume();
    await Promise.all(asked);
  });
});

describe('Redis is full', () => {
  test('consumers join, commit and leave all the same, so that the log can be read', async () => {
    const client = link.write;
    await client.config('SET', 'maxmemory', '1mb');
    try {
      await expect(client.set('x', 'y')).rejects.toThrow('OOM');
      const member = consumer('a');
      await member.enter();
      expect(member.assigned).toHaveLength(6);
      expect(await member.commit(1)).toBe(ErrorCode.NONE);
      await member.close();
      expect((await coordinator.describe('g')).groupState).toBe('Empty');
    } finally {
      await client.config('SET', 'maxmemory', '0');
    }
  });
});

describe('stopping', () => {
  test('answers everything that waits, and everything that comes after', async () => {
    const member = consumer('a');
    await member.enter();
    const other = consumer('b');
    const { memberId } = await other.join();
    const parked = other.join(memberId);
    await until(async () => (await coordinator.describe('g')).groupState === 'PreparingRebalance');
    const committing = member.commit(8);
    await coordinator.stop();
    expect((await parked).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect([ErrorCode.NONE, ErrorCode.NOT_COORDINATOR]).toContain(await committing);
    expect((await member.heartbeat()).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await coordinator.list()).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });
});
