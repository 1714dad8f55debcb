import { Redis } from 'ioredis';
import { silentLogger, systemClock } from '@sluice/base';
import { startRedis, type StartRedisOptions, type TestRedis } from '@sluice/test/support/redis';
import { RedisLink } from './link';
import { aclLine } from './needs';

/** Connects as a user, with the key prefix that every gateway has. */
async function connectAs(redis: TestRedis, user: string): Promise<RedisLink> {
  const url = redis.url.replace('//', `//${user}`);
  return RedisLink.connect({ url }, { log: silentLogger, clock: systemClock });
}

describe('a user of Redis', () => {
  let redis: TestRedis;
  let admin: Redis;

  beforeAll(async () => {
    redis = await startRedis();
    admin = new Redis(redis.url);
  });
  afterAll(async () => {
    admin.disconnect();
    await redis.stop();
  });

  const all = ['~sluice:*', '&sluice:*', '+@all'];

  it.each([
    ['no keys', [...all, 'resetkeys'], ['keys      sluice:*']],
    ['the keys of the registry alone', [...all, 'resetkeys', '~sluice:{registry}*'], ['keys ']],
    ['no channels', [...all, 'resetchannels'], ['channels  sluice:*']],
    [
      'the registry’s channels alone',
      [...all, 'resetchannels', '&sluice:{registry}*'],
      ['channels  sluice:*, such as sluice:{topic/id/0}:wake'],
    ],
    ['no TIME', [...all, '-time'], ['commands  TIME']],
    ['no INFO', [...all, '-info'], ['commands  INFO']],
    ['no WAIT and no XADD', [...all, '-wait', '-xadd'], ['commands  WAIT XADD']],
    ['no scripting', [...all, '-@scripting'], ['commands  EVALSHA']],
    ['no EVAL', [...all, '-eval'], ['commands  EVAL']],
    [
      'reading alone',
      [...all, '-@all', '+@read', '+@connection', '+@scripting', '+info'],
      ['HSET', 'XADD', 'UNLINK'],
    ],
    ['nothing', ['-@all'], ['lacks']],
  ])('that has %s is refused in words, and told how to get its rights', async (...row) => {
    const [, rights, words] = row;
    await admin.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', ...rights);
    const refused = connectAs(redis, 'app:secret@');
    await expect(refused).rejects.toMatchObject({ name: 'RedisStartError', problem: 'rights' });
    for (const word of words) await expect(refused).rejects.toThrow(word);
    await expect(refused).rejects.toThrow(/ACL SETUSER/);
    await expect(refused).rejects.not.toThrow(/secret/);
  });

  it('that has just the rights of the message is taken', async () => {
    await admin.call('ACL', 'SETUSER', 'least', 'reset', 'on', '>secret');
    const line = aclLine('least', 'sluice:').replaceAll("'", '').split(' ');
    await admin.call(line[0]!, ...line.slice(1));
    const link = await connectAs(redis, 'least:secret@');
    expect(link.status().connected).toBe(true);
    await link.close();
  });

  it('may lack what is not needed', async () => {
    const lacks = ['-multi', '-exec', '-config', '-bgrewriteaof', '-script', '-client', '-acl'];
    await admin.call('ACL', 'SETUSER', 'some', 'reset', 'on', '>secret', ...all, ...lacks);
    const link = await connectAs(redis, 'some:secret@');
    await link.close();
  });
});

describe('a Redis with renamed commands', () => {
  it.each(['TIME', 'INFO', 'EVALSHA', 'EVAL', 'UNLINK'])(
    'is refused in words: %s',
    async (name) => {
      const options: StartRedisOptions = { args: ['--rename-command', name, `other-${name}`] };
      const redis = await startRedis(options);
      try {
        const refused = connectAs(redis, '');
        await expect(refused).rejects.toMatchObject({ name: 'RedisStartError', problem: 'rights' });
        await expect(refused).rejects.toThrow(/rename-command in redis\.conf/);
        await expect(refused).rejects.toThrow(new RegExp(name, 'i'));
      } finally {
        await redis.stop();
      }
    },
  );
});
