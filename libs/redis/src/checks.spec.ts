import { adviseOnServer, checkServer } from './checks';
import { explainConnectFailure, isHopeless } from './connect-error';
import type { ServerFacts } from './server';

const good: ServerFacts = {
  product: 'redis',
  version: '7.0.15',
  runId: 'a',
  replicationId: 'b',
  formerReplicationId: '0'.repeat(40),
  mode: 'standalone',
  role: 'master',
  maxmemoryPolicy: 'noeviction',
  aofEnabled: true,
  settings: new Map([
    ['appendfsync', 'everysec'],
    ['stream-node-max-bytes', '1048576'],
    ['auto-aof-rewrite-percentage', '0'],
  ]),
};

const label = 'redis://host:6379';

describe('checkServer', () => {
  it.each<Partial<ServerFacts>>([
    {},
    { version: '8.2.1' },
    { product: 'valkey', version: '7.2.5' },
    { product: 'valkey', version: '9.0.0' },
    { maxmemoryPolicy: '' },
  ])('accepts %j', (difference) => {
    expect(() => checkServer({ ...good, ...difference }, label)).not.toThrow();
  });

  it.each<[Partial<ServerFacts>, string, string]>([
    [{ version: '6.2.14' }, 'version', 'Redis 7.0 or Valkey 7.2'],
    [{ product: 'valkey', version: '7.1.0' }, 'version', 'Valkey 7.1.0'],
    [{ mode: 'cluster' }, 'unsupported-set-up', 'Cluster'],
    [{ mode: 'sentinel' }, 'unsupported-set-up', 'Sentinel'],
    [{ role: 'slave' }, 'replica', 'primary'],
    [{ maxmemoryPolicy: 'allkeys-lru' }, 'eviction', 'CONFIG SET maxmemory-policy noeviction'],
  ])('refuses %j', (difference, problem, advice) => {
    expect(() => checkServer({ ...good, ...difference }, label)).toThrow(
      expect.objectContaining({ problem, message: expect.stringContaining(advice) }),
    );
  });
});

function lines(difference: Partial<ServerFacts>, settings: [string, string][]): string {
  return adviseOnServer({ ...good, settings: new Map(settings), ...difference })
    .map(({ level, message }) => `${level}: ${message}`)
    .join('\n');
}

describe('adviseOnServer', () => {
  it.each<[Partial<ServerFacts>, [string, string][], RegExp]>([
    [{}, [['appendfsync', 'everysec']], /^info: .*everysec.*second or two\.$/],
    [{}, [['appendfsync', 'always']], /^info: .*always.*loses nothing\.$/],
    [{}, [['appendfsync', 'no']], /^warn: .*without fsync/],
    [{}, [], /^info: Persistence: AOF\./],
    [{ aofEnabled: false }, [['save', '3600 1']], /^warn: .*snapshots only/],
    [{ aofEnabled: false }, [['save', '']], /^warn: .*every record is lost/],
    [{ aofEnabled: false }, [], /^warn: .*no AOF/],
    [{}, [['stream-node-max-bytes', '4096']], /info: stream-node-max-bytes is 4096; with 1mb/],
    [{}, [['auto-aof-rewrite-percentage', '100']], /info: .*is 100: each time .* Better 0/],
    [{ maxmemoryPolicy: '' }, [], /warn: .*make sure that it is noeviction/],
  ])('for %j %j', (difference, settings, expected) => {
    expect(lines(difference, settings)).toMatch(expected);
  });

  it('has one line for a server that is set up well', () => {
    expect(adviseOnServer(good)).toHaveLength(1);
  });
});

describe('explainConnectFailure', () => {
  it.each([
    ['NOAUTH Authentication required.', 'password-needed', 'redis://:password@host:port'],
    ['WRONGPASS invalid username-password pair', 'password-wrong', 'percent-encoded'],
    ['ERR invalid password', 'password-wrong', 'percent-encoded'],
    ['DENIED Redis is running in protected mode', 'protected-mode', 'requirepass'],
    ['NOPERM this user has no permissions', 'rights', 'ACL SETUSER'],
    ['INFO: refused by Redis: NOPERM this user has no permissions', 'rights', 'ACL SETUSER'],
    ["ERR unknown command 'info'", 'rights', 'rename-command'],
    ['ERR DB index is out of range', 'no-database', 'lower number'],
    ['ERR SELECT is not allowed in cluster mode', 'unsupported-set-up', 'Cluster'],
    ['Unknown RESP type 72 "H". Please report this.', 'not-redis', 'Check the port'],
    ['self-signed certificate', 'not-redis', 'certificate authority'],
    ['read ECONNRESET', 'unreachable', 'rediss://'],
    ['connect ECONNREFUSED 127.0.0.1:1', 'unreachable', 'redis-cli -u redis://host:6379 ping'],
  ])('"%s" is %s', (message, problem, advice) => {
    const error = new Error(message);
    const explained = explainConnectFailure({ label, error, timeoutMs: 100 });
    expect(explained).toMatchObject({ problem, cause: error });
    expect(explained.message).toContain(advice);
    expect(isHopeless(error)).toBe(problem !== 'unreachable');
  });

  it('has words for silence', () => {
    const { problem, message } = explainConnectFailure({ label, error: null, timeoutMs: 100 });
    expect(problem).toBe('unreachable');
    expect(message).toContain('no answer in 100 ms');
  });
});
