import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connectLink,
  freshPrefix,
  sharedRedis,
  startRedis,
  type TestRedis,
} from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import type { LogFields, Logger } from '@sluice/base';

let redis: TestRedis;

beforeAll(async () => {
  redis = await sharedRedis();
});

afterAll(() => redis.stop());

const ignore = (): void => undefined;

/** Waits until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  const limitMs = performance.now() + 45_000;
  while (!condition()) {
    if (performance.now() > limitMs) throw new Error('the condition did not come true');
    await sleep(5);
  }
}

/** Waits until a server has begun to read its data. */
async function loading({ host, port }: TestRedis): Promise<void> {
  for (let reply = ''; !reply.startsWith('-LOADING');) {
    reply = await new Promise((resolve) => {
      const socket = connect({ host, port }, () => socket.write('PING\r\n'));
      socket.once('data', (bytes) => {
        resolve(bytes.toString());
        socket.destroy();
      });
      socket.on('error', () => resolve(''));
      socket.on('close', () => resolve(''));
    });
    await sleep(5);
  }
}

class RecordingLogger implements Logger {
  readonly lines: string[] = [];
  readonly debug = (): void => undefined;
  readonly info = (message: string): void => void this.lines.push(`info ${message}`);
  readonly warn = (message: string, fields?: LogFields): void =>
    void this.lines.push(`warn ${message} ${JSON.stringify(fields ?? {})}`);
  readonly error = this.warn;
}

describe('RedisLink.connect', () => {
  it('tells what it found', async () => {
    const log = new RecordingLogger();
    const link = await connectLink(redis, { keyPrefix: 'own:' }, { log });
    expect(link.keyPrefix).toBe('own:');
    expect(link.status()).toMatchObject({ connected: true, replicas: null });
    expect(link.status().runId).toMatch(/^[0-9a-f]{40}$/);
    expect(Number.parseInt(link.status().version, 10)).toBeGreaterThanOrEqual(7);
    expect(log.lines).toEqual([
      expect.stringMatching(/^info Persistence: AOF, .*everysec/),
      expect.stringMatching(/^info auto-aof-rewrite-percentage is 100/),
    ]);
    await link.close();
  });

  it('uses the database of the URL, on every connection', async () => {
    const link = await connectLink(redis, { url: `${redis.url}/3` });
    await link.write.set('in-three', '1');
    expect(await link.read.get('in-three')).toBe('1');
    const zero = await connectLink(redis);
    expect(await zero.read.get('in-three')).toBeNull();
    await Promise.all([link.close(), zero.close()]);
  });

  it('refuses a database that the server does not have, instead of using another', async () => {
    const refused = connectLink(redis, { url: `${redis.url}/16` });
    await expect(refused).rejects.toMatchObject({ problem: 'no-database' });
  });

  it('never goes on in database 0 when its own is refused after a reconnect', async () => {
    const admin = await connectLink(redis);
    const acl = (...rules: string[]) => admin.write.call('ACL', 'SETUSER', 'third', ...rules);
    await acl('on', '>secret', '~*', '&*', '+@all');
    const at = `redis://third:secret@${redis.host}:${redis.port}/3`;
    const link = await connectLink(redis, { url: at });
    await acl('-select');
    await admin.write.call('CLIENT', 'KILL', 'USER', 'third');
    await until(() => !link.status().connected);
    for (let attempt = 0; attempt < 50; attempt += 1) {
      await expect(link.write.set('only-in-three', '1')).rejects.toThrow("isn't writeable");
      await sleep(5);
    }
    await acl('+select');
    await until(() => link.status().connected);
    await link.write.set('only-in-three', '1');
    expect(await admin.read.get('only-in-three')).toBeNull();
    await link.close();
    await admin.write.call('ACL', 'DELUSER', 'third');
  });

  it('refuses a server that evicts, and says what to do', async () => {
    const admin = await connectLink(redis);
    await admin.write.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const refused = connectLink(redis);
    await expect(refused).rejects.toMatchObject({ name: 'RedisStartError', problem: 'eviction' });
    await expect(refused).rejects.toThrow(/silently delete records[\s\S]*CONFIG SET/);
    await admin.write.config('SET', 'maxmemory-policy', 'noeviction');
    await admin.close();
  });

  it('refuses a replica', async () => {
    const replica = await startRedis({ replicaOf: redis });
    await expect(connectLink(replica)).rejects.toMatchObject({ problem: 'replica' });
    await replica.stop();
  });

  it('refuses a node of a cluster', async () => {
    const node = await startRedis({ args: ['--cluster-enabled', 'yes'] });
    await expect(connectLink(node)).rejects.toMatchObject({ problem: 'unsupported-set-up' });
    await node.stop();
  });

  it('tells a wrong or missing password at once, and takes the right one', async () => {
    const guarded = await startRedis({ args: ['--requirepass', 'p@ss'] });
    const at = (user: string): string => `redis://${user}${guarded.host}:${guarded.port}`;
    const tries = ['', ':wrong@', 'nobody:p%40ss@'].map((user) =>
      // Longer than this test may take.
      connectLink(guarded, { url: at(user), connectTimeoutMs: 3_600_000 }),
    );
    const problems = await Promise.all(
      tries.map((one) => one.catch((error: unknown) => (error as { problem: string }).problem)),
    );
    expect(problems).toEqual(['password-needed', 'password-wrong', 'password-wrong']);
    const link = await connectLink(guarded, { url: at(':p%40ss@') });
    expect(await link.write.ping()).toBe('PONG');
    await guarded.stop();
  });

  it('waits for a server that comes up late', async () => {
    const late = await startRedis();
    await late.kill();
    const connecting = connectLink(late, { connectTimeoutMs: 10_000 });
    await sleep(200);
    await late.restart();
    const link = await connecting;
    expect(link.status().connected).toBe(true);
    await late.stop();
  });

  it('waits longer for a server that reads its data than for a silent one', async () => {
    const args = ['--key-load-delay', '400'];
    const slow = await startRedis({ args });
    const first = await connectLink(slow);
    const fill = "for i = 1, 4000 do redis.call('SET', 'key' .. i, i) end";
    await first.write.eval(fill, 0);
    await first.close();
    const log = new RecordingLogger();
    await slow.kill();
    const restarting = slow.restart();
    await loading(slow);
    const link = await connectLink(slow, { connectTimeoutMs: 300 }, { log });
    await restarting;
    expect(log.lines.join('\n')).toContain('Redis is reading its data from disk');
    expect(await link.read.get('key4000')).toBe('4000');
    await slow.stop();
  });

  it('gives up in time where nobody answers, and keeps the password to itself', async () => {
    const url = 'redis://:secret@127.0.0.1:1';
    const refused = connectLink(redis, { url, connectTimeoutMs: 200 });
    await expect(refused).rejects.toMatchObject({ problem: 'unreachable' });
    await expect(refused).rejects.toThrow(/ECONNREFUSED[\s\S]*redis-cli -u redis:\/\/127/);
    await expect(refused).rejects.not.toThrow(/secret/);
  });
});

describe('a link whose Redis goes away', () => {
  it('comes back by itself, and tells a new history from a broken connection', async () => {
    const own = await startRedis();
    const proxy = new TcpProxy(own);
    const url = `redis://127.0.0.1:${await proxy.start()}`;
    const link = await connectLink(own, { url });
    const histories: boolean[] = [];
    link.onReady(({ historyChanged }) => histories.push(historyChanged));
    const { runId } = link.status();

    proxy.cut();
    await until(() => histories.length === 1);
    expect(link.status().runId).toBe(runId);

    await own.kill();
    await until(() => !link.status().connected);
    await own.restart();
    await until(() => histories.length === 2);
    expect(histories).toEqual([false, true]);
    expect(link.status()).toMatchObject({ connected: true });
    expect(link.status().runId).not.toBe(runId);
    await own.stop();
    await proxy.stop();
  });
});

describe('subscriptions', () => {
  it('deliver to each listener until it leaves', async () => {
    const link = await connectLink(redis);
    const channel = `${freshPrefix()}channel`;
    const seen: string[] = [];
    const leaveA = await link.subscribe(channel, (message) => seen.push(`a ${message}`));
    const leaveB = await link.subscribe(channel, (message) => seen.push(`b ${message}`));
    expect(await link.write.publish(channel, '1')).toBe(1);
    await until(() => seen.length === 2);
    await leaveA();
    await link.write.publish(channel, '2');
    await until(() => seen.length === 3);
    await leaveB();
    await leaveB();
    expect(await link.write.publish(channel, '3')).toBe(0);
    expect(seen).toEqual(['a 1', 'b 1', 'b 2']);
    await link.close();
  });

  it('outlive a restart of Redis, and tell that messages may have been missed', async () => {
    const own = await startRedis();
    const link = await connectLink(own);
    const seen: string[] = [];
    let resubscribed = 0;
    const onResubscribed = (): void => void (resubscribed += 1);
    await link.subscribe('before', (message) => seen.push(message), { onResubscribed });
    await own.kill();
    await until(() => !link.status().connected);
    await link.subscribe('while-away', (message) => seen.push(message));
    await own.restart();
    await until(() => resubscribed === 1 && link.status().connected);
    expect(await link.write.publish('before', 'one')).toBe(1);
    expect(await link.write.publish('while-away', 'two')).toBe(1);
    await until(() => seen.length === 2);
    await own.stop();
  });

  it('are refused where the user may not read the channel', async () => {
    const link = await connectLink(redis);
    const rights = ['on', '>pw', '~*', '+@all', 'resetchannels', '&allowed:*'];
    await link.write.acl('SETUSER', 'limited', ...rights);
    const url = `redis://limited:pw@${redis.host}:${redis.port}`;
    const limited = await connectLink(redis, { url, keyPrefix: 'allowed:' });
    await expect(limited.subscribe('other', ignore)).rejects.toMatchObject({ reason: 'denied' });
    await limited.subscribe('allowed:1', ignore);
    await Promise.all([limited.close(), link.close()]);
  });
});

describe('replicaCount', () => {
  it('asks once for calls that come together, and remembers the answer for a while', async () => {
    const link = await connectLink(redis);
    const info = jest.spyOn(link.read, 'info');
    const counts = await Promise.all([link.replicaCount(), link.replicaCount()]);
    counts.push(await link.replicaCount());
    expect(counts).toEqual([0, 0, 0]);
    expect(info).toHaveBeenCalledTimes(1);
    expect(link.status().replicas).toBe(0);
    await link.close();
  });
});
