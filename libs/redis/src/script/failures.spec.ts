import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import type { RedisLink } from '../link';
import { openConnection } from '../connection';
import { silentLogger } from '@sluice/base';
import { resolveOptions } from '../options';
import { defineScript } from './script';

/** What Redis answers to scripts that fail, and what is made of it. On each server alike. */

let redis: TestRedis;
let admin: RedisLink;
let folder: string;
const key = 'sluice:{failures}:key';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-failures-'));
  redis = await startRedis();
  admin = await connectLink(redis);
});

afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true });
});

function define(name: string, flags: string, body: string) {
  const header = `--[[ test/${name} — fails.\nKEYS key?\nARGV -\nREPLY done ]]`;
  const file = join(folder, `${name}.lua`);
  writeFileSync(file, `${flags}${header}\n${body}\nreturn { 'done' }`);
  const keys = ['key?'] as const;
  return defineScript({ name: `test/${name}`, file, keys, args: [], reply: { done: {} } });
}

const set = "redis.call('SET', KEYS.key, 'x')";
const refused = (reason: string) => ({ name: 'RedisUnavailable', reason });
const unknown = (place: string) => ({
  name: 'UnknownOutcome',
  message: expect.stringMatching(new RegExp(`^test/\\S+: failed at ${place}, perhaps after`)),
});
const mistake = { name: 'RedisReplyError' };

/** Commands with which something goes wrong, and with which it ends. */
interface Trouble {
  begin?: string[];
  end?: string[];
  /** The rights of the user, who has all on keys and channels of the prefix else. */
  rights?: string[];
}

const full: Trouble = {
  begin: ['CONFIG', 'SET', 'maxmemory', '1'],
  end: ['CONFIG', 'SET', 'maxmemory', '0'],
};
const alone: Trouble = {
  begin: ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
  end: ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
};
const replica: Trouble = {
  begin: ['REPLICAOF', '127.0.0.1', '1'],
  end: ['REPLICAOF', 'NO', 'ONE'],
};
const fewer = (...rights: string[]): Trouble => ({ rights });

describe('a script that fails', () => {
  it.each([
    // Refused by the server as a whole: at the start, or at the first write.
    ['full', '#!lua\n', set, full, refused('out-of-memory')],
    ['full-late', '', set, full, refused('out-of-memory')],
    ['alone', '#!lua\n', set, alone, refused('no-replicas')],
    ['alone-late', '', set, alone, refused('no-replicas')],
    ['replica', '#!lua\n', set, replica, refused('read-only')],
    ['replica-late', '', set, replica, refused('read-only')],
    // Refused before it starts, because of the user.
    ['no-evalsha', '#!lua\n', set, fewer('-evalsha'), refused('denied')],
    ['no-key', '#!lua\n', set, fewer('resetkeys', '~other'), refused('denied')],
    // Raised inside, before or after the first write: nobody can tell.
    [
      'no-publish',
      '#!lua\n',
      `${set}\nredis.call('PUBLISH', 'c', 'x')`,
      fewer('resetchannels'),
      unknown('no-publish.lua:7'),
    ],
    [
      'no-incr',
      '',
      `${set}\nredis.call('INCR', 'sluice:2')`,
      fewer('-incr'),
      unknown('no-incr.lua:6'),
    ],
    [
      'no-key-inside',
      '',
      `${set}\nredis.call('SET', 'other', 1)`,
      {},
      unknown('no-key-inside.lua:6'),
    ],
    [
      'wrong-type',
      '#!lua\n',
      `${set}\nredis.call('INCR', KEYS.key)`,
      {},
      unknown('wrong-type.lua:7'),
    ],
    ['raises', '#!lua\n', `${set}\nerror('enough')`, {}, unknown('raises.lua:7')],
    ['broken', '#!lua\n', `${set}\nlocal none\nnone.field = 1`, {}, unknown('broken.lua:8')],
    // What only reads has written nothing.
    [
      'reader',
      '#!lua flags=no-writes\n',
      "redis.call('GET', KEYS.key .. 'other', 'too many')",
      {},
      mistake,
    ],
    // No Lua at all.
    ['no-lua', '#!lua\n', 'KEYS.key is no Lua', {}, mistake],
  ] as const)('is judged by what it can have done: %s', async (...parameters) => {
    const [name, flags, body, trouble, expected] = parameters;
    const script = define(name, flags, body);
    const { begin, end, rights = [] }: Trouble = trouble;
    const user = ['reset', 'on', '>secret', '~sluice:*', '&sluice:*', '+@all', ...rights];
    await admin.write.call('ACL', 'SETUSER', name, ...user);
    const url = redis.url.replace('//', `//${name}:secret@`);
    const { redis: connection } = openConnection(resolveOptions({ url }), 'write', silentLogger);
    await connection.connect();
    try {
      if (begin !== undefined) await admin.write.call(begin[0]!, ...begin.slice(1));
      await expect(script.call(connection, { key }, {})).rejects.toMatchObject(expected);
    } finally {
      if (end !== undefined) await admin.write.call(end[0]!, ...end.slice(1));
      connection.disconnect();
    }
  });
});
