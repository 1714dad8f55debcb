import type { Redis } from 'ioredis';
import { silentLogger, systemClock, type Logger } from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import { freshPrefix, sharedRedis } from '@sluice/test/support/redis';
import { TestCluster } from '@sluice/test/support/redis-cluster';
import { freePort } from '@sluice/test/support/redis-local';
import { attempt, RedisUnavailable } from '../errors';
import { RedisLink } from '../link';
import type { RedisOptions } from '../options';
import { connectionOf } from './routed-redis';
import { slotOf } from './slots';

let cluster: TestCluster;
const links: RedisLink[] = [];

beforeAll(async () => {
  cluster = await TestCluster.start();
});

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
});
afterAll(async () => {
  await cluster?.stop();
  await (await sharedRedis()).stop();
});

async function connect(
  url = cluster.url,
  log: Logger = silentLogger,
  limits: Partial<RedisOptions> = {},
): Promise<RedisLink> {
  const options = { url, keyPrefix: freshPrefix(), connectTimeoutMs: 20_000, ...limits };
  const link = await RedisLink.connect(options, { log, clock: systemClock });
  links.push(link);
  return link;
}

/** Keys of a link with different tags, so of all shards. */
function keysOf({ keyPrefix }: RedisLink): string[] {
  return Array.from({ length: 24 }, (_, n) => `${keyPrefix}{${n}}:counter`);
}

describe('a Redis Cluster', () => {
  it('is found by some of its nodes, and each call goes to the shard of its key', async () => {
    const link = await connect();
    expect(link.shards).toHaveLength(3);
    expect(link.isCluster).toBe(true);
    const keys = keysOf(link);
    expect(new Set(keys.map((key) => link.shardOf(key))).size).toBe(3);
    await Promise.all(keys.map((key) => link.write.set(key, key)));
    expect(await Promise.all(keys.map((key) => link.read.get(key)))).toEqual(keys);
    const bytes = await link.entries.getBuffer(keys[0]!);
    expect(bytes?.toString()).toBe(keys[0]);
    expect(await link.shardOf(keys[0]!).write.get(keys[0]!)).toBe(keys[0]);
    expect(await connectionOf(link.write, keys[0]!).multi().get(keys[0]!).exec()).toEqual([
      [null, keys[0]],
    ]);
  });

  it('refuses what belongs to one server', async () => {
    const link = await connect();
    await expect(link.write.info()).rejects.toThrow('info belongs to one server');
  });

  it('hears messages of a channel, whichever server they were given to', async () => {
    const link = await connect();
    const channel = `${link.keyPrefix}{tag}:channel`;
    const heard: string[] = [];
    await link.subscribe(channel, (message) => heard.push(message));
    await Promise.all(link.shards.map((shard, n) => shard.write.publish(channel, `${n}`)));
    await eventually(() => heard.length === 3);
  });

  it('runs each of many writes once while a slot moves there and back', async () => {
    const link = await connect();
    const [key, ...others] = ['a', 'b', 'c', 'd', 'e'].map((x) => `${link.keyPrefix}{moving}:${x}`);
    for (const one of [key!, ...others]) await link.write.set(one, '0');
    const slot = slotOf(key!);
    const from = await cluster.ownerOf(slot);
    const to = cluster.servers.slice(0, 3).find((one) => one !== from)!;
    let done = 0;
    const over = new AbortController();
    const writing = (async () => {
      while (!over.signal.aborted) {
        expect(await link.write.incr(key!)).toBe(++done);
      }
    })();
    // While its keys are apart, a command on several is not run by anybody.
    let refusals = 0;
    const asking = (async () => {
      while (!over.signal.aborted) {
        const asked = attempt('EXISTS', link.write.exists(key!, ...others));
        const count = await asked.catch((error: Error) => error);
        if (count === 5) continue;
        expect(count).toMatchObject({ reason: 'moved' });
        refusals++;
      }
    })();
    const between = () =>
      eventually(
        (
          (before) => () =>
            done > before
        )(done),
      );
    await cluster.move(slot, to, between);
    await between();
    await cluster.move(slot, from, between);
    await between();
    over.abort();
    await Promise.all([writing, asking]);
    // They are waited for, so none was refused at once.
    expect(refusals).toBeLessThan(5);
    expect(Number(await link.read.get(key!))).toBe(done);
    expect(link.shards).toHaveLength(3);
  });

  it('uses a server that is added, and leaves it when it has no slots any more', async () => {
    const link = await connect();
    const key = `${link.keyPrefix}{grown}:x`;
    await link.write.set(key, '1');
    const slot = slotOf(key);
    const from = await cluster.ownerOf(slot);
    const arrivals: number[] = [];
    link.onArrival(async (_redis, _history, shard) => {
      arrivals.push(link.shards.indexOf(shard));
    });
    const added = await cluster.add();
    await cluster.move(slot, added);
    await eventually(async () => (await link.write.incr(key)) === 2);
    expect(link.shards).toHaveLength(4);
    // It is looked at before it is used, as others may have written there.
    expect(arrivals).toHaveLength(1);
    await cluster.move(slot, from);
    expect(await eventually(() => link.write.incr(key))).toBe(3);
    await eventually(() => link.shards.length === 3);
  });

  it('has waiting readers and jobs go on where their slot has moved to', async () => {
    const link = await connect();
    const key = `${link.keyPrefix}{waited}:x`;
    await link.write.xadd(key, '1-0', 'n', '1');
    const from = await cluster.ownerOf(slotOf(key));
    const to = cluster.servers.slice(0, 3).find((one) => one !== from)!;
    const waiting = link.openBlockingConnection(key);
    const work = link.openJobConnection('work', key);
    const ask = link.openJobConnection('ask', key);
    const copy = work.redis.duplicate();
    const all = [waiting.redis, work.redis, ask.redis, copy];
    const read = (redis: Redis, id: string) => redis.xread('BLOCK', 100, 'STREAMS', key, id);
    for (const redis of all) await eventually(() => read(redis, '0'));
    await cluster.move(slotOf(key), to);
    // What waits for a reply is sent on by the connection itself.
    expect(await read(work.redis, '0')).toHaveLength(1);
    await eventually(() => link.write.xadd(key, '2-0', 'n', '2'));
    for (const redis of all) await eventually(() => read(redis, '1-0'));
    await Promise.all([waiting.close(), work.close(), ask.close()]);
    await cluster.move(slotOf(key), from);
  });

  it('hears messages of a channel also when the server is left that it was heard on', async () => {
    const link = await connect();
    const channel = `${link.keyPrefix}{left}:channel`;
    const slot = slotOf(channel);
    const from = await cluster.ownerOf(slot);
    const added = await cluster.add();
    await cluster.move(slot, added);
    await eventually(() => link.shards.length === 4);
    await eventually(() => link.shardOf(channel).status().connected);
    const heard: string[] = [];
    let resubscribed = 0;
    const listen = (message: string): void => void heard.push(message);
    const onResubscribed = (): void => void resubscribed++;
    const unsubscribe = await link.subscribe(channel, listen, { onResubscribed });
    await link.write.publish(channel, 'before');
    await eventually(() => heard.length === 1);
    await cluster.move(slot, from);
    await eventually(() => link.shards.length === 3);
    await eventually(() => resubscribed === 1);
    await link.write.publish(channel, 'after');
    await eventually(() => heard.includes('after'));
    await unsubscribe();
    await link.write.publish(channel, 'late');
    const others: string[] = [];
    await link.subscribe(channel, (message) => void others.push(message));
    await link.write.publish(channel, 'last');
    await eventually(() => others.includes('last'));
    expect(heard).toEqual(['before', 'after']);
  });

  it('follows a failover, which is a new history of that shard alone', async () => {
    const link = await connect();
    const key = `${link.keyPrefix}{failing}:x`;
    await link.write.set(key, '1');
    const shard = link.shardOf(key);
    const before = link.histories;
    const arrived: unknown[] = [];
    link.onArrival(async (_redis, _history, one) => void arrived.push(one));
    await cluster.failover(await cluster.ownerOf(slotOf(key)));
    await eventually(
      () => link.shards.every((one) => one.status().connected) && arrived.length > 0,
    );
    await eventually(async () => (await link.write.incr(key)) > 1);
    expect(arrived).toEqual([shard]);
    expect(link.shardOf(key)).toBe(shard);
    const changed = link.histories.filter(({ runId }, n) => runId !== before[n]!.runId);
    expect(changed).toHaveLength(1);
  });

  it('is waited for where a primary is gone and its replica is about to take over', async () => {
    const lines: string[] = [];
    const log = { ...silentLogger, warn: (message: string) => void lines.push(message) };
    const gone = await cluster.ownerOf(0);
    const replica = await cluster.replicaOf(gone);
    await cluster.setNodeTimeout(60_000);
    await gone.server.pause();
    const limits = { connectTimeoutMs: 1_500, commandStallMs: 1_000 };
    const connected = connect(cluster.url, log, limits);
    const waits = 'waiting until it can, or another has taken its place';
    await Promise.race([connected, eventually(() => lines.join().includes(waits))]);
    await cluster.setNodeTimeout(undefined, gone);
    const link = await connected;
    const keys = keysOf(link);
    await eventually(async () => Promise.all(keys.map((key) => link.write.set(key, '1'))));
    await cluster.promoted(replica);
    await gone.server.resume();
    await cluster.isWhole(3);
    await cluster.setNodeTimeout();
  });

  it('follows a failover after a primary was frozen; the other shards go on', async () => {
    const link = await connect();
    const keys = keysOf(link);
    const frozen = await cluster.ownerOf(slotOf(keys[0]!));
    const others = keys.filter((key) => link.shardOf(key) !== link.shardOf(keys[0]!));
    await frozen.server.pause();
    for (const key of others) expect(await link.write.set(key, '1')).toBe('OK');
    await eventually(async () => (await link.write.set(keys[0]!, '1')) === 'OK');
    await frozen.server.resume();
    await cluster.isWhole(3);
  });

  it('says that nothing was done where nobody serves the slot', async () => {
    const link = await connect();
    const key = `${link.keyPrefix}{unserved}:x`;
    const slot = slotOf(key);
    const owner = await cluster.ownerOf(slot);
    for (const one of cluster.servers) {
      await cluster.ask(one, 'CONFIG SET cluster-require-full-coverage no');
      await cluster.ask(one, `CLUSTER DELSLOTS ${slot}`).catch(() => undefined);
    }
    const refused = attempt('SET', link.write.set(key, '1'));
    await expect(refused).rejects.toBeInstanceOf(RedisUnavailable);
    await expect(refused).rejects.toMatchObject({ reason: 'moved' });
    await cluster.ask(owner, `CLUSTER ADDSLOTS ${slot}`);
    await eventually(async () => (await link.write.set(key, '1')) === 'OK');
  });

  it('is refused where it is none, and where nobody answers, and says what to do', async () => {
    const { port } = await sharedRedis();
    const none = connect(`redis+cluster://127.0.0.1:${port}`);
    await expect(none).rejects.toMatchObject({ problem: 'unsupported-set-up' });
    await expect(none).rejects.toThrow(/no node of a cluster[\s\S]*use redis:\/\/host:port/);
    const nobody = `redis+cluster://127.0.0.1:${await freePort()}`;
    const away = connect(nobody, silentLogger, { failoverTimeoutMs: 500 });
    await expect(away).rejects.toMatchObject({ problem: 'unreachable' });
    const wrong = connect(cluster.url.replace('//', '//nobody:wrong@'));
    await expect(wrong).rejects.toMatchObject({ problem: 'password-wrong' });
    const single = connect(`redis://127.0.0.1:${cluster.servers[0]!.server.port}`);
    await expect(single).rejects.toThrow(/node of a Redis Cluster[\s\S]*redis\+cluster:/);
  });
});
