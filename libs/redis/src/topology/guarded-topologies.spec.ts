import { silentLogger, systemClock } from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import { freshPrefix } from '@sluice/test/support/redis';
import { TestCluster } from '@sluice/test/support/redis-cluster';
import { WatchedRedis } from '@sluice/test/support/sentinels';
import { certificates } from '@sluice/test/support/servers/certificates';
import { RedisLink } from '../link';
import { slotOf } from './slots';

/** With TLS in the set-up that has certificates. */
const tls = certificates();
const links: RedisLink[] = [];

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
});

async function connect(url: string): Promise<RedisLink> {
  const options = { url, keyPrefix: freshPrefix(), connectTimeoutMs: 20_000 };
  const link = await RedisLink.connect(options, { log: silentLogger, clock: systemClock });
  links.push(link);
  return link;
}

/** Of a command that may fail while the primary is another one. */
const isWritten =
  (link: RedisLink, key = `${link.keyPrefix}x`) =>
  async (): Promise<boolean> =>
    (await link.write.set(key, 'y')) === 'OK';

async function followsFailover(watched: WatchedRedis): Promise<void> {
  const link = await connect(watched.url);
  const { runId } = link.history;
  await watched.failover();
  await eventually(() => link.history.runId !== runId);
  await eventually(isWritten(link));
}

describe('servers and Sentinels with passwords of their own', () => {
  let guarded: WatchedRedis;

  beforeAll(async () => {
    guarded = await WatchedRedis.start({
      password: 'server-secret',
      sentinelPassword: 'watch-secret',
      tls,
    });
  });
  afterAll(() => guarded?.stop());

  it('are logged in to, also after a failover', () => followsFailover(guarded));

  it('are refused without the password of the Sentinels, or with a wrong one', async () => {
    const [url] = guarded.url.split('?');
    const without = connect(url!);
    await expect(without).rejects.toThrow(/it wants a password: add \?sentinel-password/);
    const wrong = connect(`${url}?sentinel-password=wrong`);
    await expect(wrong).rejects.toThrow(/refuses the user or the password: look at sentinel-user/);
  });

  it('are refused with a wrong password of the servers', async () => {
    const wrong = connect(guarded.url.replace('server-secret', 'other'));
    await expect(wrong).rejects.toMatchObject({ problem: 'password-wrong' });
  });
});

describe('servers and Sentinels with users who may do what is documented, and no more', () => {
  let guarded: WatchedRedis;

  beforeAll(async () => {
    guarded = await WatchedRedis.start({ hasUsers: true, tls });
  });
  afterAll(() => guarded?.stop());

  it('are used, also after a failover', () => followsFailover(guarded));

  it('say which master they watch where another one is named', async () => {
    const other = connect(guarded.urlWith({ name: 'other' }));
    await expect(other).rejects.toThrow(/knows no master "other"; it watches: main/);
  });
});

describe('a cluster with a user who may do what is documented, and no more', () => {
  let guarded: TestCluster;

  beforeAll(async () => {
    guarded = await TestCluster.start({ hasUser: true, tls });
  });
  afterAll(() => guarded?.stop());

  it('is used, also while slots move and after a failover', async () => {
    const link = await connect(guarded.url);
    expect(link.shards).toHaveLength(3);
    const keys = Array.from({ length: 12 }, (_, n) => `${link.keyPrefix}{${n}}:x`);
    await Promise.all(keys.map((key) => link.write.set(key, key)));
    const [key] = keys;
    const slot = slotOf(key!);
    const from = await guarded.ownerOf(slot);
    const to = guarded.servers.slice(0, 3).find((one) => one !== from)!;
    const waiting = link.openBlockingConnection(key!);
    const work = link.openJobConnection('work', key!);
    // A slot of which one key has moved already: who has it is said by ASK.
    await guarded.move(slot, to, async () => expect(await link.read.get(key!)).toBe(key));
    await eventually(() => waiting.redis.get(key!));
    expect(await work.redis.get(key!)).toBe(key);
    await guarded.failover(await guarded.ownerOf(slot));
    await eventually(isWritten(link, key));
    await eventually(async () => (await work.redis.set(key!, 'z')) === 'OK');
    await Promise.all([waiting.close(), work.close()]);
  });

  it('is refused with a wrong password, and says so', async () => {
    const wrong = connect(guarded.url.replace('gateway-secret', 'other'));
    await expect(wrong).rejects.toThrow(/it refuses the user name or the password/);
  });
});
