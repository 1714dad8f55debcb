import { silentLogger } from '@sluice/base';
import { RedisUnavailable } from '@sluice/redis';
import type { ConsumerStatus, RecordConsumer } from '@sluice/streams';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { LastingConsumer } from './lasting-consumer';

const limits = { startRetryMs: 100, startRetryMsMax: 300 };
const away = () => new RedisUnavailable('disconnected', 'join');

/** A consumer whose starts fail as long as `failure` is set. */
function lasting() {
  const clock = new FakeClock();
  const made: { closed: number }[] = [];
  const world = { clock, made, failure: away() as Error | null };
  const create = (): RecordConsumer => {
    const one = { closed: 0 };
    let status: ConsumerStatus = 'stopped';
    made.push(one);
    const start = () => {
      status = world.failure === null ? 'running' : 'failed';
      return world.failure === null ? Promise.resolve() : Promise.reject(world.failure);
    };
    const close = () => Promise.resolve(void one.closed++);
    const member = { group: 'jobs.billing', memberId: '', silentMs: 0, partitions: [] };
    const health = () => ({ ...member, status, problem: null });
    const used: Partial<RecordConsumer> = { start, close, health };
    return used as RecordConsumer;
  };
  const consumer = new LastingConsumer({ create, clock, log: silentLogger, limits });
  return { ...world, consumer, recover: () => void (world.failure = null), world };
}

test('a start without Redis is tried again after growing pauses', async () => {
  const { clock, consumer, made, recover } = lasting();
  await consumer.start();
  expect(consumer.health()).toMatchObject({ status: 'failed', problem: away().message });
  const counts: number[] = [];
  for (const pauseMs of [100, 200, 300, 300]) {
    await clock.advanceAsync(pauseMs - 1);
    counts.push(made.length);
    await clock.advanceAsync(1);
  }
  expect(counts).toEqual([1, 2, 3, 4]);
  recover();
  await clock.advanceAsync(300);
  expect(consumer.health()).toMatchObject({ status: 'running', problem: null });
  // Those that did not start hold nothing any more.
  expect(made.map(({ closed }) => closed)).toEqual([1, 1, 1, 1, 1, 0]);
  expect(clock.timerCount).toBe(0);
});

test('a close ends the attempts at once', async () => {
  const { clock, consumer, made } = lasting();
  await consumer.start();
  await consumer.close(10_000);
  expect(clock.timerCount).toBe(0);
  await clock.advanceAsync(1_000);
  expect(made).toHaveLength(1);
});

test('what no other time would change is thrown', async () => {
  const { clock, consumer, made, world } = lasting();
  world.failure = new Error('the group has members of another kind');
  await expect(consumer.start()).rejects.toBe(world.failure);
  expect(made).toEqual([{ closed: 1 }]);
  expect(clock.timerCount).toBe(0);
});
