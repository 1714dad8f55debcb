import { Redis } from 'ioredis';
import { systemClock, type Clock, type Logger } from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { RedisLink } from './link';

/** Counts the timers that are set and neither ran nor were cancelled. */
class CountingClock implements Clock {
  readonly pending = new Set<object>();
  readonly nowMs = (): number => systemClock.nowMs();
  readonly monotonicMs = (): number => systemClock.monotonicMs();

  setTimer(delayMs: number, run: () => void) {
    const timer = systemClock.setTimer(delayMs, () => {
      this.pending.delete(timer);
      run();
    });
    this.pending.add(timer);
    return {
      cancel: () => {
        this.pending.delete(timer);
        timer.cancel();
      },
    };
  }
}

class Lines implements Logger {
  readonly all: string[] = [];
  readonly debug = (): void => undefined;
  readonly info = (line: string): void => void this.all.push(`info ${line}`);
  readonly warn = (line: string): void => void this.all.push(`warn ${line}`);
  readonly error = (line: string, fields?: Readonly<Record<string, unknown>>): void =>
    void this.all.push(`error ${line}: ${String(fields?.['error'])}`);
}

let redis: TestRedis;
let admin: Redis;

beforeEach(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
});
afterEach(async () => {
  admin.disconnect();
  await redis.stop();
});

describe('a link that could not be made', () => {
  it.each([
    ['a server that evicts', ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'], 'eviction'],
    ['no rights', ['ACL', 'SETUSER', 'default', '-time'], 'rights'],
    ['a server that is a replica', ['REPLICAOF', '127.0.0.1', '1'], 'replica'],
    // The first connection is made, and the others are not.
    ['too few connections', ['CONFIG', 'SET', 'maxclients', '2'], 'unreachable'],
  ])('leaves no connection and no timer behind: %s', async (_, trouble, problem) => {
    await admin.call(trouble[0]!, ...trouble.slice(1));
    const clock = new CountingClock();
    const options = { connectTimeoutMs: 3_000 };
    await expect(connectLink(redis, options, { clock })).rejects.toMatchObject({ problem });
    expect(clock.pending.size).toBe(0);
    await eventually(async () => !String(await admin.call('CLIENT', 'LIST')).includes('sluice-'));
  });

  it('leaves none either where a frozen server answers nothing', async () => {
    await redis.pause();
    const clock = new CountingClock();
    const making = connectLink(redis, { connectTimeoutMs: 200 }, { clock });
    await expect(making).rejects.toMatchObject({ problem: 'unreachable' });
    await redis.resume();
    expect(clock.pending.size).toBe(0);
    await eventually(async () => !String(await admin.call('CLIENT', 'LIST')).includes('sluice-'));
  });
});

describe('a server that comes back as one that cannot be used', () => {
  it.each([
    [
      'evicts',
      'CONFIG SET maxmemory-policy allkeys-lru',
      'CONFIG SET maxmemory-policy noeviction',
      'misconfigured',
      /maxmemory-policy is allkeys-lru/,
    ],
    ['is a replica', 'REPLICAOF 127.0.0.1 1', 'REPLICAOF NO ONE', 'read-only', /It is a replica/],
    ['allows less', 'ACL SETUSER default -time', 'ACL SETUSER default +time', 'denied', /TIME/],
  ])('is not used until it can be: it %s', async (_, begin, end, reason, words) => {
    const log = new Lines();
    const link = await connectLink(redis, {}, { log });
    await link.write.set('key', 'before');
    const before = log.all.length;
    const ready = jest.fn();
    link.onReady(ready);
    const [command, ...args] = begin.split(' ') as [string, ...string[]];
    await admin.call(command, ...args);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const connections = [link.write, link.durable, link.read, link.entries];
    for (const connection of connections) {
      await eventually(() =>
        connection.get('key').then(
          () => false,
          (error: { reason?: string; message: string }) =>
            error.reason === reason && words.test(error.message),
        ),
      );
    }
    expect(link.status().connected).toBe(false);
    expect(ready).not.toHaveBeenCalled();

    const [again, ...rest] = end.split(' ') as [string, ...string[]];
    await admin.call(again, ...rest);
    await eventually(() => link.status().connected);
    await eventually(() => Promise.all(connections.map((connection) => connection.get('key'))));
    expect(await link.write.get('key')).toBe('before');
    const lines = log.all.slice(before).filter((line) => !line.startsWith('warn Redis conn'));
    expect(lines.filter((line) => line.includes('cannot be used now'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('can be used again'))).toHaveLength(1);
    await link.close();
  });
});

describe('a Redis that is full', () => {
  it('is connected to, and refuses what needs memory', async () => {
    await admin.set('key', 'value');
    await admin.config('SET', 'maxmemory', '1');
    const link: RedisLink = await connectLink(redis);
    expect(await link.read.get('key')).toBe('value');
    await expect(link.write.set('key', 'more')).rejects.toThrow(/^OOM/);
    await link.close();
  });
});
