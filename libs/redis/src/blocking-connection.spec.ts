import { FakeClock } from '@sluice/test/support/fake-clock';
import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { BlockingConnection } from './blocking-connection';
import { redisLimits } from './options';

/** A connection with the number 7, and what was asked to unblock it. */
async function made(): Promise<{
  connection: BlockingConnection;
  clock: FakeClock;
  answers: ((count: number) => void)[];
}> {
  const clock = new FakeClock();
  const answers: ((count: number) => void)[] = [];
  const redis = Object.assign(new EventEmitter(), { client: () => Promise.resolve(7) });
  const write = { client: () => new Promise((resolve) => answers.push(resolve)) };
  const connection = new BlockingConnection(
    redis as unknown as Redis,
    write as unknown as Redis,
    10_000,
    clock,
  );
  redis.emit('ready');
  await new Promise(setImmediate);
  return { connection, clock, answers };
}

test('a wake-up that comes too early is sent again, for the command out by then', async () => {
  const { connection, clock, answers } = await made();
  let isFirstOut = true;
  connection.wake(() => isFirstOut);
  answers[0]!(0);
  await new Promise(setImmediate);
  // It has ended by itself, and another is out, which is to be woken too.
  isFirstOut = false;
  connection.wake(() => true);
  clock.advance(redisLimits.unblockAgainMs);
  expect(answers).toHaveLength(2);
  answers[1]!(1);
  await new Promise(setImmediate);
  clock.advance(redisLimits.unblockAgainMs);
  expect(answers).toHaveLength(2);
});

test('what cannot be woken waits for a short time only', async () => {
  const { connection } = await made();
  expect(connection.blockMsMax).toBe(redisLimits.blockMsMax);
  connection.redis.emit('close');
  expect(connection.blockMsMax).toBe(redisLimits.blockUnwakeableMsMax);
});
