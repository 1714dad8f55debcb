import { redisLimits, resolveOptions } from './options';

describe('resolveOptions', () => {
  it('reads every part of the URL', () => {
    const url = 'redis://me:p%40ss%2Fword@redis.example:6380/3';
    expect(resolveOptions({ url })).toEqual({
      label: 'redis://redis.example:6380/3',
      host: 'redis.example',
      port: 6380,
      topology: { kind: 'single' },
      username: 'me',
      password: 'p@ss/word',
      db: 3,
      managed: false,
      tls: undefined,
      keyPrefix: 'sluice:',
      connectTimeoutMs: redisLimits.connectTimeoutMs,
      failoverTimeoutMs: redisLimits.failoverTimeoutMs,
      loadingTimeoutMs: redisLimits.loadingTimeoutMs,
      commandStallMs: redisLimits.commandStallMs,
      heartbeatMs: redisLimits.heartbeatMs,
    });
  });

  it('has defaults for what the URL leaves out', () => {
    expect(resolveOptions({ url: 'redis://localhost' })).toMatchObject({
      host: 'localhost',
      port: 6379,
      username: undefined,
      password: undefined,
      db: 0,
    });
    expect(resolveOptions({ url: 'redis://:secret@[::1]:7000/' })).toMatchObject({
      host: '::1',
      port: 7000,
      password: 'secret',
    });
  });

  it('turns TLS on for rediss, with the server’s name unless it is an address', () => {
    const named = resolveOptions({ url: 'rediss://redis.example', tls: { ca: 'pem' } });
    expect(named.tls).toEqual({ servername: 'redis.example', ca: 'pem' });
    expect(resolveOptions({ url: 'rediss://10.0.0.1' }).tls).toEqual({});
  });

  it.each([
    'redis://host?db=2',
    'redis://host/1?tls=true',
    'redis://host#1',
    'localhost:6379',
    'http://localhost',
    'redis://',
    'redis://host/db',
    'redis://host/-1',
    'not a url',
    'redis://:100%@host',
  ])('refuses %s and says what is expected', (url) => {
    expect(() => resolveOptions({ url })).toThrow(/Expected: redis:\/\//);
  });

  it('does not repeat a password', () => {
    expect(() => resolveOptions({ url: 'redis://:secret@host:port' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
    expect(resolveOptions({ url: 'redis://:secret@host' }).label).toBe('redis://host');
  });

  it('reads Sentinels, their master and how they are spoken to', () => {
    const login = '?sentinel-user=watch&sentinel-password=a%26b&sentinel-tls=no';
    const url = `rediss+sentinel://me:p%2Fw@one:26380,[::1],three/main%20one/2${login}`;
    expect(resolveOptions({ url, tls: { ca: 'pem' } })).toMatchObject({
      label: 'rediss+sentinel://one:26380,[::1],three/main%20one/2',
      username: 'me',
      password: 'p/w',
      db: 2,
      tls: { ca: 'pem' },
      topology: {
        kind: 'sentinel',
        masterName: 'main one',
        sentinels: [
          { host: 'one', port: 26_380 },
          { host: '::1', port: 26_379 },
          { host: 'three', port: 26_379 },
        ],
        login: { username: 'watch', password: 'a&b', isSecure: false },
      },
    });
  });

  it('takes no certificate name from a Sentinel, which is not the server', () => {
    const { tls } = resolveOptions({ url: 'rediss+sentinel://one/main' });
    expect(tls).toEqual({});
  });

  it('reads the nodes of a Redis Cluster', () => {
    const nodes = [
      { host: 'one', port: 7_000 },
      { host: 'two', port: 6_379 },
    ];
    const { db, topology } = resolveOptions({ url: 'redis+cluster://:secret@one:7000,two' });
    expect({ db, topology }).toEqual({ db: 0, topology: { kind: 'cluster', nodes } });
  });

  it.each([
    ['redis+sentinel://one', 'must name, behind the Sentinels, the master'],
    ['redis+sentinel://one/main/0/more', 'at most a database behind it'],
    ['redis+sentinel://one/main/x', 'must be a number'],
    ['redis+sentinel://one/main?db=2', 'sentinel-user, sentinel-password and sentinel-tls'],
    ['redis+sentinel://one/main?sentinel-tls=maybe', 'yes or no'],
    ['redis+sentinel:///main', 'cannot be read'],
    ['redis+sentinel://:100%@one/main', 'a % that encodes nothing'],
    ['redis+cluster://one:70000', 'names "one:70000"'],
    ['redis+cluster://one,,two', 'names ""'],
    ['redis+cluster://one/1', 'no databases but 0'],
    ['redis+cluster://one?x=y', 'no meaning here'],
    ['redis+elsewhere://one', 'cannot be read'],
  ])('refuses %s and says why', (url, why) => {
    expect(() => resolveOptions({ url })).toThrow(
      expect.objectContaining({
        problem: 'invalid-options',
        message: expect.stringContaining(why),
      }),
    );
  });

  it('refuses a limit that is none', () => {
    const options = { url: 'redis://x', commandStallMs: 0 };
    expect(() => resolveOptions(options)).toThrow(
      /commandStallMs must be a positive number of milliseconds\.$/,
    );
  });
});
