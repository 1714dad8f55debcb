import { redisLimits, resolveOptions } from './options';

describe('resolveOptions', () => {
  it('reads every part of the URL', () => {
    const url = 'redis://me:p%40ss%2Fword@redis.example:6380/3';
    expect(resolveOptions({ url })).toEqual({
      label: 'redis://redis.example:6380/3',
      host: 'redis.example',
      port: 6380,
      username: 'me',
      password: 'p@ss/word',
      db: 3,
      managed: false,
      tls: undefined,
      keyPrefix: 'sluice:',
      connectTimeoutMs: redisLimits.connectTimeoutMs,
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

  it.each([
    { url: 'redis://x', sentinel: { name: 'main', sentinels: [{ host: 'x', port: 26379 }] } },
    { url: 'redis://x', cluster: { nodes: [{ host: 'x', port: 7000 }] } },
    { url: 'redis+sentinel://x:26379/main' },
    { url: 'redis-cluster://x' },
  ])('refuses Sentinel and Cluster and names what is supported', (options) => {
    expect(() => resolveOptions(options)).toThrow(
      expect.objectContaining({
        problem: 'unsupported-set-up',
        message: expect.stringContaining('Supported now: one server'),
      }),
    );
  });

  it('refuses a limit that is none', () => {
    const options = { url: 'redis://x', commandStallMs: 0 };
    expect(() => resolveOptions(options)).toThrow(/commandStallMs must be a positive number/);
  });
});
