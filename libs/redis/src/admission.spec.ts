import { eventually } from '@sluice/test/support/eventually';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { RedisUnavailable } from './errors';
import type { RedisLink } from './link';
import { sameHistory } from './server';

const none = '0'.repeat(40);
const history = (runId: string, replicationId: string, formerReplicationId = none) => {
  return { runId, replicationId, formerReplicationId };
};

describe('sameHistory', () => {
  it('is another one after a restart and after a promotion', () => {
    expect(sameHistory(history('a', 'x'), history('b', 'y'))).toBe(false);
    expect(sameHistory(history('a', 'x'), history('b', 'y', 'x'))).toBe(false);
    // The same process, which was a replica in between.
    expect(sameHistory(history('a', 'x'), history('a', 'y', 'z'))).toBe(false);
  });

  it('is the same when a first replica comes, or the last has been away for long', () => {
    expect(sameHistory(history('a', 'x'), history('a', 'y'))).toBe(true);
    expect(sameHistory(history('a', 'x', 'w'), history('a', 'x', 'w'))).toBe(true);
  });
});

/** Waits until the expectations hold. */
const until = (expectations: () => unknown): Promise<boolean> =>
  eventually(async () => {
    await expectations();
    return true;
  });

describe('a link whose Redis comes back', () => {
  let redis: TestRedis;
  let link: RedisLink;

  beforeEach(async () => {
    redis = await startRedis();
    link = await connectLink(redis);
  });
  afterEach(() => redis.stop());

  it('takes no command on any connection before its listeners are done', async () => {
    await link.write.set('key', 'before');
    const arrivals: string[] = [];
    let finish!: () => void;
    const held = new Promise<void>((resolve) => (finish = resolve));
    link.onArrival(async (unheld, arrived) => {
      arrivals.push(`${String(await unheld.get('key'))} ${arrived.runId === link.history.runId}`);
      await held;
    });
    const ready: boolean[] = [];
    link.onReady(({ historyChanged }) => ready.push(historyChanged));
    await redis.restart();
    await until(() => expect(arrivals).toEqual(['before false']));
    const connections = [link.write, link.durable, link.read, link.entries];
    await until(() => expect(connections.map(({ status }) => status)).toContain('ready'));
    await until(async () => {
      for (const connection of connections) {
        await expect(connection.set('key', 'too early')).rejects.toMatchObject({
          reason: 'recovering',
        });
      }
    });
    expect(ready).toEqual([]);
    finish();
    await until(() => expect(ready).toEqual([true]));
    expect(await link.write.get('key')).toBe('before');
    await eventually(() => Promise.all(connections.map((connection) => connection.get('key'))));
  });

  it('asks no listener where only the connection broke', async () => {
    let asked = 0;
    link.onArrival(async () => void asked++);
    const ready: boolean[] = [];
    link.onReady(({ historyChanged }) => ready.push(historyChanged));
    link.write.disconnect(true);
    await until(() => expect(ready).toEqual([false]));
    await link.write.set('key', 'value');
    expect(asked).toBe(0);
  });

  it('may be used though one of those who are told fails', async () => {
    const told: string[] = [];
    link.onReady(() => {
      told.push('first');
      throw new Error('a fault');
    });
    link.onReady(() => told.push('second'));
    link.write.disconnect(true);
    await until(() => expect(told).toEqual(['first', 'second']));
    await link.write.set('key', 'value');
  });

  it('goes on refusing, with the reason, for as long as a listener fails', async () => {
    let broken = true;
    link.onArrival(async () => {
      if (broken) throw new Error('not yet');
    });
    link.suspect(new RedisUnavailable('emptied', 'the data is gone'));
    await expect(link.read.get('key')).rejects.toMatchObject({ reason: 'emptied' });
    await expect(link.write.get('key')).rejects.toThrow('the data is gone');
    broken = false;
    await eventually(() => link.write.set('key', 'value'));
    await eventually(() => link.read.get('key'));
  });
});
