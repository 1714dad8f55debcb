import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { silentLogger } from '@sluice/base';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { BlockingConnection } from './blocking-connection';
import { redisLimits } from './options';

let clock: FakeClock;
let warnings: string[];
/** The answers to CLIENT UNBLOCK that are owed, the first first. */
let owed: { resolve: (count: number) => void; reject: (error: Error) => void }[];
let blocking: EventEmitter;
let connection: BlockingConnection;

beforeEach(async () => {
  clock = new FakeClock();
  [warnings, owed] = [[], []];
  const log = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  blocking = Object.assign(new EventEmitter(), { client: () => Promise.resolve(7) });
  const client = (): Promise<number> =>
    new Promise((resolve, reject) => owed.push({ resolve, reject }));
  const [redis, write] = [blocking, { client }].map((fake) => fake as unknown as Redis);
  connection = new BlockingConnection(redis!, 60_000, { clock, log, write: () => write! });
  await becomesReady();
});

async function becomesReady(): Promise<void> {
  blocking.emit('ready');
  await clock.advanceAsync(0);
}

/** What Redis answers: whether there was something to wake. */
async function answer(count: 0 | 1): Promise<void> {
  owed.shift()!.resolve(count);
  await clock.advanceAsync(0);
}

/** Redis refuses with an error of its own. */
async function refuse(text: string): Promise<void> {
  const error = Object.assign(new Error(text), { name: 'ReplyError' });
  owed.shift()!.reject(error);
  await clock.advanceAsync(0);
}

test('a wake-up that came too early is sent again while the answer is owed', async () => {
  let isOut = true;
  connection.wake(() => isOut);
  await answer(0);
  await clock.advanceAsync(redisLimits.unblockAgainMs);
  expect(owed).toHaveLength(1);
  isOut = false;
  await answer(0);
  expect(clock.timerCount).toBe(0);
});

test('a wake-up while one for an earlier command is to be sent again is not lost', async () => {
  let isFirstOut = true;
  connection.wake(() => isFirstOut);
  await answer(0);
  isFirstOut = false;
  connection.wake(() => true);
  await clock.advanceAsync(redisLimits.unblockAgainMs);
  expect(owed).toHaveLength(1);
});

test('an answer to an earlier wake-up does not end the later one', async () => {
  let isFirstOut = true;
  connection.wake(() => isFirstOut);
  isFirstOut = false;
  connection.wake(() => true);
  await answer(0);
  await answer(0);
  await clock.advanceAsync(redisLimits.unblockAgainMs);
  expect(owed).toHaveLength(1);
});

test('what cannot be woken waits for a short time only', () => {
  expect(connection.blockMsMax).toBe(redisLimits.blockMsMax);
  blocking.emit('close');
  expect(connection.blockMsMax).toBe(redisLimits.blockUnwakeableMsMax);
});

describe('where CLIENT UNBLOCK is refused', () => {
  it('commands wait for a short time only, and the log says so once', async () => {
    for (let round = 0; round < 2; round++) {
      // The rights are asked for again with each new connection: they may be there by then.
      await becomesReady();
      expect(connection.blockMsMax).toBe(redisLimits.blockMsMax);
      connection.wake(() => true);
      await refuse("NOPERM User worker has no permissions to run the 'client|unblock' command");
      expect(connection.blockMsMax).toBe(redisLimits.blockUnwakeableMsMax);
      connection.wake(() => true);
      expect(owed).toEqual([]);
    }
    expect(warnings).toEqual(['what waits in Redis cannot be woken: CLIENT UNBLOCK is refused']);
  });

  it.each(['BUSY Redis is busy running a script', 'LOADING'])('for now, as %s', async (text) => {
    connection.wake(() => true);
    await refuse(text);
    expect(connection.blockMsMax).toBe(redisLimits.blockMsMax);
    expect(warnings).toEqual([]);
  });

  it('a connection that broke is no refusal', async () => {
    connection.wake(() => true);
    owed.shift()!.reject(new Error('Connection is closed.'));
    await clock.advanceAsync(0);
    expect(connection.blockMsMax).toBe(redisLimits.blockMsMax);
    expect(warnings).toEqual([]);
  });
});
