import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import { closeConnection, reconnectDelayMs } from './connection';
import { attempt } from './errors';
import type { RedisLink } from './link';

let redis: TestRedis;
let proxy: TcpProxy;

beforeAll(async () => {
  redis = await startRedis();
  proxy = new TcpProxy(redis);
  await proxy.start();
});

afterAll(async () => {
  await redis.stop();
  await proxy.stop();
});

const throughProxy = (): Partial<{ url: string }> => ({ url: `redis://127.0.0.1:${proxy.port}` });

function readyAgain(link: RedisLink): Promise<void> {
  return new Promise((resolve) => {
    const off = link.onReady(() => {
      off();
      resolve();
    });
  });
}

describe('a write whose reply is lost', () => {
  it('is executed once, and its outcome is unknown to the caller', async () => {
    const link = await connectLink(redis, throughProxy());
    const counter = `${link.keyPrefix}counter`;
    const ready = readyAgain(link);
    proxy.loseNextReply();
    const failed = attempt('INCR', link.write.incr(counter));
    await expect(failed).rejects.toMatchObject({ name: 'UnknownOutcome', what: 'INCR' });
    await ready;
    await sleep(50);
    expect(await link.read.get(counter)).toBe('1');
    await link.close();
  });

  it('would be executed twice with the defaults of ioredis: the trap does catch', async () => {
    const careless = new Redis(proxy.port, '127.0.0.1');
    await careless.ping();
    proxy.loseNextReply();
    expect(await careless.incr('careless')).toBe(2);
    await closeConnection(careless);
  });
});

describe('a connection', () => {
  it('rejects what is outstanding in time when Redis hangs, and recovers', async () => {
    const commandStallMs = 300;
    const link = await connectLink(redis, { commandStallMs });
    await redis.pause();
    const pending = ['write', 'durable', 'read'].map((role) =>
      attempt('INCR', link[role as 'write'].incr(`${link.keyPrefix}${role}`)),
    );
    const outcomes = await Promise.allSettled(pending);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: { name: 'UnknownOutcome' } });
    }
    // While it hangs, attempts to reconnect come to nothing, and commands are refused at once.
    const refused = attempt('INCR', link.write.incr('x'));
    await expect(refused).rejects.toMatchObject({ reason: 'disconnected' });
    const ready = readyAgain(link);
    await redis.resume();
    await ready;
    expect(await link.write.incr(`${link.keyPrefix}after`)).toBe(1);
    await link.close();
  });

  it('stays for as long as replies keep coming', async () => {
    const link = await connectLink(redis, { commandStallMs: 1_000 });
    for (let round = 0; round < 80; round += 1) {
      await link.read.ping();
      await sleep(20);
    }
    expect(link.read.status).toBe('ready');
    await link.close();
  });

  it('notices a silent death while it is idle', async () => {
    const link = await connectLink(redis, { commandStallMs: 200, heartbeatMs: 100 });
    await redis.pause();
    await eventually(() => !link.status().connected);
    await redis.resume();
    await readyAgain(link);
    expect(link.status().connected).toBe(true);
    await link.close();
  });

  it('refuses at once after close, and closes at once while Redis is away', async () => {
    const link = await connectLink(redis);
    await redis.kill();
    await eventually(() => !link.status().connected);
    // Redis comes back only after that.
    await link.close();
    await redis.restart();
    await sleep(100);
    expect(link.write.status).not.toBe('ready');
    await expect(attempt('GET', link.read.get('x'))).rejects.toBeDefined();
  });
});

describe('reconnectDelayMs', () => {
  it('doubles within its limits', () => {
    const delays = [1, 2, 3, 4, 5, 6, 1_000_000].map(reconnectDelayMs);
    expect(delays).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
  });
});
