import { gatewaySettings, loadGatewaySettings } from './settings';

function load(env: Record<string, string> = {}, argv: string[] = []) {
  const loaded = loadGatewaySettings(env, argv);
  if (!('settings' in loaded)) throw new Error(JSON.stringify(loaded));
  return loaded;
}

function errorsOf(env: Record<string, string>, argv: string[] = []): string[] {
  const loaded = loadGatewaySettings(env, argv);
  return 'errors' in loaded ? loaded.errors : [];
}

const { definitions } = gatewaySettings;

describe('settings', () => {
  test('without any, the defaults hold and are valid', () => {
    const { settings, warnings } = load();
    expect(settings).toMatchObject({
      redisUrl: undefined,
      keyPrefix: 'sluice:',
      host: '::',
      port: 9092,
      advertisedHost: 'localhost',
      advertisedPort: 9092,
      brokerId: undefined,
      autoCreateTopics: true,
      frameBytesMax: 104_857_600,
      offsetsRetentionMinutes: 10_080,
      logLevel: 'info',
    });
    expect(warnings).toEqual([]);
  });

  test('come from the environment, and a flag wins', () => {
    const env = { SLUICE_PORT: '1000', SLUICE_BROKER_ID: '7', REDIS_URL: 'redis://cache:6379/2' };
    expect(load(env, ['--port', '2000']).settings).toMatchObject({
      port: 2000,
      brokerId: 7,
      redisUrl: 'redis://cache:6379/2',
    });
  });

  test('the advertised port follows the port unless it is given', () => {
    expect(load({}, ['--port=1234']).settings.advertisedPort).toBe(1234);
    expect(load({}, ['--port=1234', '--advertised-port=9']).settings.advertisedPort).toBe(9);
  });

  test.each([
    [['--host=10.1.2.3'], '10.1.2.3'],
    [['--host=fd00::7'], 'fd00::7'],
    [['--host=kafka.example'], 'kafka.example'],
    [['--host=0.0.0.0'], 'localhost'],
    [['--host=::'], 'localhost'],
    [['--host=10.1.2.3', '--advertised-host=kafka.example'], 'kafka.example'],
  ])(
    'the advertised host follows the host where that is a place to connect to: %j',
    (argv, host) => {
      expect(load({}, argv).settings.advertisedHost).toBe(host);
    },
  );

  test('an empty variable counts as not set', () => {
    expect(load({ SLUICE_PORT: '' }).settings.port).toBe(9092);
  });

  test.each([
    [['--auto-create-topics'], true],
    [['--no-auto-create-topics'], false],
    [['--auto-create-topics=false'], false],
    [['--no-auto-create-topics', '--auto-create-topics'], true],
  ])('switches: %j gives %s', (argv, expected) => {
    expect(load({}, argv).settings.autoCreateTopics).toBe(expected);
  });

  test.each(['::1', '0.0.0.0', 'broker-1.example', 'fe80::1%eth0'])('%s is a host', (host) => {
    expect(load({ SLUICE_HOST: host }).settings.host).toBe(host);
  });

  test.each([
    [{ SLUICE_PORT: '65536' }, "SLUICE_PORT is '65536', which must be a whole number from 0 to"],
    [{ SLUICE_PORT: '9092.5' }, "SLUICE_PORT is '9092.5', which must be a whole number"],
    [{ SLUICE_PORT: 'abc' }, "SLUICE_PORT is 'abc', which must be a whole number"],
    [{ SLUICE_HOST: 'http://x' }, "SLUICE_HOST is 'http://x', which must be a host name"],
    [{ SLUICE_HOST: 'broker:9092' }, "SLUICE_HOST is 'broker:9092', which must be a host name"],
    [{ SLUICE_LOG_LEVEL: 'loud' }, 'which must be one of debug, info, warn, error'],
    [{ SLUICE_AUTO_CREATE_TOPICS: 'maybe' }, 'which must be true or false'],
    [{ SLUICE_KEY_PREFIX: 'a{b}' }, 'without blanks and braces'],
    [{ SLUICE_GROUP_MIN_SESSION_TIMEOUT_MS: '1800001' }, 'than the largest session timeout'],
    [{ SLUICE_FRAME_BYTES_MAX: '268435457' }, 'must not be larger than the bytes that may be'],
  ] as const)('%j is refused', (env, message) => {
    const errors = errorsOf(env);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(message);
  });

  test('every mistake is told at once, flags by their flag', () => {
    const errors = errorsOf({ SLUICE_BROKER_ID: '-1' }, ['--port', 'x', '--hots=y']);
    expect(errors).toEqual([
      '--hots is not a flag of Sluice; did you mean --host?',
      expect.stringContaining("--port is 'x'"),
      expect.stringContaining("SLUICE_BROKER_ID is '-1'"),
    ]);
  });

  test('a switch that is turned off takes no value, which is told of that switch', () => {
    expect(errorsOf({}, ['--no-auto-create-topics=true'])).toEqual([
      '--no-auto-create-topics takes no value; ' +
        '--auto-create-topics=true and --auto-create-topics=false do',
    ]);
  });

  test('a wrong Redis URL is not repeated, for it may hold a password', () => {
    const errors = errorsOf({ REDIS_URL: 'http://:secret@cache' });
    expect(errors).toEqual([
      'REDIS_URL must be a URL that starts with redis://, redis+sentinel:// or redis+cluster://, ' +
        'or with rediss',
    ]);
  });

  test.each([
    'redis://:sec/ret@cache',
    'redis://:sec#ret@cache',
    'redis://:secret%@cache',
    'redis://:secret@cache:99999',
    'redis://:secret@cache/first',
    'redis://:secret@',
  ])('the Redis URL %s is refused without being repeated', (url) => {
    const errors = errorsOf({ REDIS_URL: url });
    expect(errors).toEqual([expect.stringMatching(/^REDIS_URL cannot be read\. .*encoded$/)]);
    expect(errors[0]).not.toMatch(/sec.?ret|cache/);
  });

  test('a Redis URL with a query is refused, for it would have no effect', () => {
    const errors = errorsOf({ REDIS_URL: 'redis://:secret@cache?db=2' });
    expect(errors).toEqual([expect.stringMatching(/^REDIS_URL has a part behind \? or #/)]);
    expect(errors[0]).not.toMatch(/secret|cache/);
  });

  test.each([
    'redis://cache',
    'rediss://user:p%40ss%25@cache:6380/15',
    'redis://[::1]:6379/',
    'redis://:p@cache',
  ])('the Redis URL %s is taken', (url) => {
    expect(load({ REDIS_URL: url }).settings.redisUrl).toBe(url);
  });

  describe('of the admin endpoints', () => {
    const long = 'k'.repeat(20);

    test('leave keys as hashes alone', () => {
      const { settings } = load({ SLUICE_ADMIN_KEYS: `a:read:${long}1,b:admin:${long}2` });
      expect(settings.adminKeys).toMatchObject([
        { name: 'a', role: 'read', hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
        { name: 'b', role: 'admin' },
      ]);
      expect(JSON.stringify(settings)).not.toContain(long);
    });

    test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1', '::ffff:127.0.0.1'])(
      '%s needs no key',
      (host) => {
        expect(load({ SLUICE_ADMIN_HOST: host }).settings.adminKeys).toEqual([]);
      },
    );

    test.each(['0.0.0.0', '::', '10.0.0.1', 'admin.example', '127.0.0.1.example', '1127.0.0.1'])(
      '%s needs one',
      (host) => {
        const env = { SLUICE_ADMIN_HOST: host };
        expect(errorsOf(env)).toEqual([expect.stringContaining('they need an API key')]);
        const given = { ...env, SLUICE_ADMIN_KEYS: `a:read:${long}` };
        expect(load(given).settings.adminKeys).toHaveLength(1);
        expect(load(env, ['--no-admin']).settings.admin).toBe(false);
      },
    );

    test('a key that will not do is not repeated', () => {
      const errors = errorsOf({ SLUICE_ADMIN_KEYS: `a:root:${long}` });
      expect(errors).toEqual([expect.stringContaining("key 1 ('a') needs one of the roles")]);
      expect(errors[0]).not.toContain(long);
    });
  });

  test('unknown flags and words are refused, a missing value too', () => {
    expect(errorsOf({}, ['--frobnicate'])).toEqual([
      '--frobnicate is not a flag of Sluice; see --help',
    ]);
    expect(errorsOf({}, ['9092'])).toEqual(["'9092' is not a flag; see --help"]);
    expect(errorsOf({}, ['--port'])).toEqual(['--port needs a value, as in --port=…']);
  });

  test('unknown SLUICE_ variables are warned of, others are not', () => {
    expect(load({ SLUICE_PROT: '1', KAFKA_PORT: '2' }).warnings).toEqual([
      'SLUICE_PROT is not a setting of Sluice and has no effect; did you mean SLUICE_PORT?',
    ]);
  });

  test('--help wins over mistakes and lists every setting with flag, variable and default', () => {
    const loaded = loadGatewaySettings({ SLUICE_PORT: 'x' }, ['--help']);
    const help = 'help' in loaded ? loaded.help : '';
    expect(definitions.length).toBeGreaterThan(20);
    for (const { flag, env, about } of definitions) {
      expect(help).toMatch(new RegExp(`^  ${flag}( <[^>]+>)? +${env}$`, 'm'));
      expect(help).toContain(about);
    }
    expect(help).toContain('Default: 9092');
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
  });

  test('--version gives the version of package.json', () => {
    expect(loadGatewaySettings({}, ['--version'])).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });

  test('no two settings share a flag or a variable, and every default passes its check', () => {
    expect(new Set(definitions.map(({ flag }) => flag)).size).toBe(definitions.length);
    expect(new Set(definitions.map(({ env }) => env)).size).toBe(definitions.length);
    for (const { env, default: value } of definitions) {
      if (value !== undefined) expect(errorsOf({ [env]: String(value) })).toEqual([]);
    }
  });
});
