import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import type { RedisLink } from './link';
import { defineScript } from './script';

let redis: TestRedis;
let link: RedisLink;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-scripts-'));
  redis = await sharedRedis();
  link = await connectLink(redis);
});

afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true });
});

function luaFile(name: string, text: string): string {
  const file = join(folder, `${name}.lua`);
  writeFileSync(file, text);
  return file;
}

const countFile = (): string =>
  luaFile(
    'count',
    [
      '--[[ test/count — adds to a counter and keeps the values.',
      'KEYS   counter list',
      'ARGV   step values…',
      'REPLY  total values ]]',
      "local total = redis.call('INCRBY', KEYS[1], ARGV[1])",
      "for i = 2, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end",
      "return {total, redis.call('LRANGE', KEYS[2], 0, -1)}",
    ].join('\n'),
  );

function defineCount(reply: 'buffer' | 'text') {
  return defineScript({
    name: 'test/count',
    file: countFile(),
    keys: ['counter', 'list'],
    args: ['step', 'values…'],
    reply,
  });
}

const key = (name: string): string => `${link.keyPrefix}${name}`;

describe('a script', () => {
  it('takes keys and arguments by name, and gives back bytes', async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    const reply = await defineCount('buffer').call(link.write, {
      keys: { counter: key('named'), list: key('named-list') },
      args: { step: 5, values: [bytes, 'text', Buffer.alloc(0)] },
    });
    expect(reply).toEqual([5, [bytes, Buffer.from('text'), Buffer.alloc(0)]]);
  });

  it('takes them in order, and gives back text where that is wanted', async () => {
    const keys = [key('ordered'), key('ordered-list')];
    const script = defineCount('text');
    expect(await script.run(link.write, keys, [2, 'grün'])).toEqual([2, ['grün']]);
    expect(await script.run(link.write, keys, ['3'])).toEqual([5, ['grün']]);
  });

  it('runs once when the server has forgotten it', async () => {
    const script = defineCount('text');
    const keys = [key('flushed'), key('flushed-list')];
    for (let round = 1; round <= 3; round += 1) {
      await link.read.script('FLUSH');
      expect(await script.run(link.write, keys, [1])).toEqual([round, []]);
    }
  });

  it('is known to the server after load', async () => {
    const script = defineCount('text');
    await link.read.script('FLUSH');
    await script.load(link.write);
    expect(await link.read.script('EXISTS', script.sha1)).toEqual([1]);
  });

  it('says which script failed, and leaves the arguments out', async () => {
    await link.write.set(key('text'), 'not a number');
    const run = defineCount('text').run(link.write, [key('text'), key('l')], [1, 'secret']);
    await expect(run).rejects.toMatchObject({
      name: 'RedisReplyError',
      message: expect.stringMatching(/^test\/count: ERR value is not an integer/),
    });
    await expect(run).rejects.not.toHaveProperty('command');
  });

  it('is refused as a whole when memory is full, unless it only frees memory', async () => {
    const own = ['KEYS   key', 'ARGV   -', 'REPLY  number ]]'].join('\n');
    const fill = defineScript({
      name: 'test/fill',
      file: luaFile('fill', `--[[ test/fill — adds.\n${own}\nreturn redis.call('INCR', KEYS[1])`),
      keys: ['key'],
      args: [],
      reply: 'text',
    });
    const freeing = `#!lua flags=allow-oom\n--[[ test/free — removes.\n${own}`;
    const free = defineScript({
      name: 'test/free',
      file: luaFile('free', `${freeing}\nreturn redis.call('UNLINK', KEYS[1])`),
      keys: ['key'],
      args: [],
      reply: 'text',
    });
    expect(await fill.run(link.write, [key('full')], [])).toBe(1);
    await link.read.config('SET', 'maxmemory', '1');
    try {
      await expect(fill.run(link.write, [key('full')], [])).rejects.toMatchObject({
        name: 'RedisUnavailable',
        reason: 'out-of-memory',
      });
      expect(await link.read.get(key('full'))).toBe('1');
      expect(await free.run(link.write, [key('full')], [])).toBe(1);
    } finally {
      await link.read.config('SET', 'maxmemory', '0');
    }
  });
});

describe('defineScript', () => {
  const declared = { name: 'test/count', keys: ['counter', 'list'], args: ['step', 'values…'] };

  it.each([
    [{ ...declared, name: 'test/other' }, /is "test\/count", but is declared as "test\/other"/],
    [{ ...declared, keys: ['list', 'counter'] }, /has KEYS "counter list", but is declared/],
    [{ ...declared, args: ['step'] }, /has ARGV "step values…", but is declared with "step"/],
  ])('refuses a declaration that differs from the header', (declaration, message) => {
    const file = countFile();
    expect(() => defineScript({ ...declaration, file, reply: 'text' })).toThrow(message);
    expect(() => defineScript({ ...declaration, file, reply: 'text' })).toThrow(file);
  });

  it('refuses a script that uses what it does not declare', () => {
    const text = '--[[ test/odd — x.\nKEYS a\nARGV -\nREPLY b ]]\nreturn KEYS[1] .. ARGV[1]';
    const file = luaFile('odd', text);
    const define = () =>
      defineScript({ name: 'test/odd', file, keys: ['a'], args: [], reply: 'text' });
    expect(define).toThrow(/uses ARGV\[1\], which the header does not declare/);
  });
});
