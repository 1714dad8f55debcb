import { silentLogger, systemClock, type Logger } from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import { freshPrefix } from '@sluice/test/support/redis';
import { freePort } from '@sluice/test/support/redis-local';
import { WatchedRedis } from '@sluice/test/support/sentinels';
import { RedisLink } from '../link';
import type { RedisOptions } from '../options';

let watched: WatchedRedis;
const links: RedisLink[] = [];

beforeAll(async () => {
  watched = await WatchedRedis.start();
});

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
});
afterAll(() => watched?.stop());

async function connect(
  url: string,
  log: Logger = silentLogger,
  limits: Partial<RedisOptions> = {},
): Promise<RedisLink> {
  const options = { url, keyPrefix: freshPrefix(), connectTimeoutMs: 20_000, ...limits };
  const link = await RedisLink.connect(options, { log, clock: systemClock });
  links.push(link);
  return link;
}

/** Collects what the log is told. */
function recorder(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const note = (message: string, fields?: object): void =>
    void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  return { log: { ...silentLogger, info: note, warn: note }, lines };
}

/** Of a command that may fail while the primary is another one. */
const isWritten = (link: RedisLink) => async (): Promise<boolean> =>
  (await link.write.set(`${link.keyPrefix}x`, 'y')) === 'OK';

describe('a Redis that Sentinels watch', () => {
  it('is found, used, and left when it is no primary any more', async () => {
    const link = await connect(watched.url);
    await link.write.set(`${link.keyPrefix}before`, '1');
    const { runId } = link.history;
    const arrivals: string[] = [];
    link.onArrival(async (_redis, history) => void arrivals.push(history.runId));
    await watched.failover();
    await eventually(() => link.history.runId !== runId);
    await eventually(isWritten(link));
    expect(arrivals).toEqual([link.history.runId]);
    expect(await link.read.get(`${link.keyPrefix}before`)).toBe('1');
    const info = await link.read.info('replication');
    expect(info).toContain('role:master');
  });

  it('is left when its primary is frozen and another is promoted', async () => {
    const link = await connect(watched.url);
    const frozen = await watched.primary();
    await frozen.pause();
    await watched.promoted(frozen);
    await eventually(isWritten(link));
    await frozen.resume();
    await watched.settled();
  });

  it('is waited for where its primary is gone and another is about to be promoted', async () => {
    const { log, lines } = recorder();
    await watched.setDownAfter(60_000);
    const gone = await watched.primary();
    await gone.pause();
    const limits = { connectTimeoutMs: 1_500, commandStallMs: 1_000 };
    const connected = connect(watched.url, log, limits);
    const waits = 'waiting until it can, or another has taken its place';
    await Promise.race([connected, eventually(() => lines.join().includes(waits))]);
    await watched.setDownAfter();
    const link = await connected;
    expect(await isWritten(link)()).toBe(true);
    await gone.resume();
    await watched.settled();
  });

  it('says so where nobody takes the place of its primary', async () => {
    const limits = { connectTimeoutMs: 1_500, failoverTimeoutMs: 100, commandStallMs: 1_000 };
    // The Sentinels take their time.
    await watched.setDownAfter(60_000);
    const gone = await watched.primary();
    await gone.pause();
    const refused = connect(watched.url, silentLogger, limits);
    await expect(refused).rejects.toMatchObject({ problem: 'unreachable' });
    await expect(refused).rejects.toThrow(/could not be used for 1600 ms, and no other took/);
    await gone.resume();
    await watched.setDownAfter();
  });

  it('is found by the other Sentinels where one is not there, and another is none', async () => {
    const { log, lines } = recorder();
    const [good, other] = watched.sentinels.map(({ port }) => `127.0.0.1:${port}`);
    const none = watched.servers[0]!.port;
    const hosts = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${none}`, good!, other!];
    const link = await connect(watched.urlWith({ hosts }), log);
    expect(await isWritten(link)()).toBe(true);
    const told = lines.filter((line) => line.startsWith('a Sentinel cannot be used')).sort();
    expect(told).toHaveLength(2);
    expect(told.join()).toContain('ECONNREFUSED');
    expect(told.join()).toContain('it is a Redis server, and no Sentinel');
  });

  it('advises to set min-replicas-to-write', async () => {
    const { log, lines } = recorder();
    await connect(watched.url, log);
    expect(lines.join()).toContain('min-replicas-to-write is 0');
  });

  it('refuses a name that no Sentinel knows, and tells those that they do', async () => {
    const refused = connect(watched.urlWith({ name: 'other' }));
    await expect(refused).rejects.toMatchObject({ problem: 'no-master' });
    await expect(refused).rejects.toThrow(
      /knows no master "other"; it watches: main[\s\S]*REDIS_URL/,
    );
  });

  it('says what to do where no Sentinel can be reached', async () => {
    const hosts = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const limits = { connectTimeoutMs: 1_000 };
    const refused = connect(watched.urlWith({ hosts }), silentLogger, limits);
    await expect(refused).rejects.toMatchObject({ problem: 'unreachable' });
    await expect(refused).rejects.toThrow(/ECONNREFUSED[\s\S]*A Sentinel listens on port 26379/);
  });

  it('gives jobs and waiting readers connections that follow the primary', async () => {
    const link = await connect(watched.url);
    const job = link.openJobConnection('work', link.keyPrefix);
    const blocking = link.openBlockingConnection(link.keyPrefix);
    await eventually(() => blocking.isReady);
    await watched.failover();
    await eventually(async () => (await job.redis.set(`${link.keyPrefix}job`, '1')) === 'OK');
    const isMaster = async (): Promise<boolean> =>
      (await blocking.redis.info('replication')).includes('role:master');
    await eventually(isMaster);
    await Promise.all([job.close(), blocking.close()]);
  });
});
