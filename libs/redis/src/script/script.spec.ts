import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { eventually } from '@sluice/test/support/eventually';
import type { RedisLink } from '../link';
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
      'KEYS   counter? list?',
      'ARGV   step values…',
      'REPLY  counted total kept',
      'REFUSED no-step ]]',
      "if ARGV.step == '0' then return { 'no-step' } end",
      '-- ── writes ──',
      "local total = redis.call('INCRBY', KEYS.counter, ARGV.step)",
      "for i = 1, #ARGV.values do redis.call('RPUSH', KEYS.list, ARGV.values[i]) end",
      "return { 'counted', total, redis.call('LRANGE', KEYS.list, 0, -1) }",
    ].join('\n'),
  );

function defineCount() {
  return defineScript({
    name: 'test/count',
    file: countFile(),
    keys: ['counter?', 'list?'],
    args: ['step', 'values…'],
    reply: { counted: { total: 'int', kept: 'texts' } },
    refused: { 'no-step': {} },
  });
}

const echo = () =>
  defineScript({
    name: 'test/echo',
    file: luaFile(
      'echo',
      '--[[ test/echo — gives back.\nKEYS -\nARGV number values…\n' +
        'REPLY values word number rest… ]]\n' +
        "return { 'values', 'grün', tonumber(ARGV.number), unpack(ARGV.values) }",
    ),
    keys: [],
    args: ['number', 'values…'],
    reply: { values: { word: 'text', number: 'int', 'rest…': 'bytes' } },
  });

const key = (name: string): string => `${link.keyPrefix}${name}`;
const keysOf = (name: string) => ({ counter: key(name), list: key(`${name}-list`) });

describe('a script', () => {
  it('takes keys and arguments by name, and gives back what it declares', async () => {
    const script = defineCount();
    const keys = { ...keysOf('named'), other: 'passed over' };
    const first = await script.call(link.write, keys, { step: 2, values: ['grün', 'blau'] });
    expect(first).toEqual({ tag: 'counted', total: 2, kept: ['grün', 'blau'] });
    const second = await script.call(link.write, keys, { step: 3, values: [] });
    if (second.tag !== 'counted') throw new Error('not counted');
    expect(second.total + second.kept.length).toBe(7);
    const none = await script.call(link.write, keys, { step: 0, values: [] });
    expect(none).toEqual({ tag: 'no-step' });
  });

  it('gives back bytes and text side by side', async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    const args = { number: -5, values: [bytes, 'text', Buffer.alloc(0)] };
    expect(await echo().call(link.write, {}, args)).toEqual({
      tag: 'values',
      word: 'grün',
      number: -5,
      rest: [bytes, Buffer.from('text'), Buffer.alloc(0)],
    });
  });

  it('tells which of its keys are missing that have to exist', async () => {
    const text = '--[[ test/two — x.\nKEYS a b?\nARGV -\nREPLY done ]]\nreturn { KEYS.a, KEYS.b }';
    const [file, keys] = [luaFile('two', text), ['a', 'b?'] as const];
    const script = defineScript({ name: 'test/two', file, keys, args: [], reply: { done: {} } });
    const named = { a: key('a'), b: key('b') };
    expect(await script.missingKeys(link.write, named)).toEqual(['a']);
    await link.write.set(named.a, '1');
    expect(await script.missingKeys(link.write, named)).toEqual([]);
  });

  it('is queued in a transaction, and its reply read from that of EXEC', async () => {
    const script = defineCount();
    await script.load(link.write);
    void link.write.multi({ pipeline: false });
    const queued = script.queue(link.write, keysOf('queued'), { step: 4, values: [] });
    const results = await link.write.exec();
    expect(await queued).toBe('QUEUED');
    expect(script.read(results?.[0]?.[1])).toEqual({ tag: 'counted', total: 4, kept: [] });
  });

  it('takes a reply that it does not declare for one of an unknown outcome', () => {
    const replies = [['other'], ['counted', 1], ['counted', '1', []], ['no-step', 1], 'counted'];
    for (const raw of replies) {
      expect(() => defineCount().read(raw)).toThrow(
        expect.objectContaining({ name: 'UnknownOutcome' }),
      );
    }
  });

  it('runs once when the server has forgotten it', async () => {
    const script = defineCount();
    for (let round = 1; round <= 3; round += 1) {
      await link.read.script('FLUSH');
      const reply = await script.call(link.write, keysOf('flushed'), { step: 1, values: [] });
      expect(reply).toEqual({ tag: 'counted', total: round, kept: [] });
    }
  });

  it('is known to the server after load', async () => {
    const script = defineCount();
    await link.read.script('FLUSH');
    await script.load(link.write);
    expect(await link.read.script('EXISTS', script.sha1)).toEqual([1]);
  });

  it('is known to a server from the first moment of each connection', async () => {
    const script = defineCount();
    await link.read.script('FLUSH');
    const other = await connectLink(redis);
    const exists = () => link.read.script('EXISTS', script.sha1);
    expect(await exists()).toEqual([1]);
    await link.read.script('FLUSH');
    const id = await other.write.client('ID');
    await link.write.call('CLIENT', 'KILL', 'ID', id);
    await eventually(async () => ((await exists()) as number[])[0] === 1);
    await other.close();
  });

  it('says which script failed, and leaves the arguments out', async () => {
    await link.write.set(key('text'), 'not a number');
    const run = defineCount().call(link.write, keysOf('text'), { step: 1, values: ['secret'] });
    await expect(run).rejects.toMatchObject({
      name: 'UnknownOutcome',
      message: expect.stringMatching(
        /^test\/count: failed at count\.lua:8, perhaps after it had written: ERR value is not/,
      ),
    });
    await expect(run).rejects.not.toHaveProperty('command');
  });

  it('is refused as a whole when memory is full, unless it only frees memory', async () => {
    const own = ['KEYS   key', 'ARGV   -', 'REPLY  done number ]]'].join('\n');
    const reply = { done: { number: 'int' } } as const;
    const fill = defineScript({
      name: 'test/fill',
      file: luaFile(
        'fill',
        `--[[ test/fill — adds.\n${own}\nreturn {'done', redis.call('INCR', KEYS.key)}`,
      ),
      keys: ['key'],
      args: [],
      reply,
    });
    const freeing = `#!lua flags=allow-oom\n--[[ test/free — removes.\n${own}`;
    const free = defineScript({
      name: 'test/free',
      file: luaFile('free', `${freeing}\nreturn {'done', redis.call('UNLINK', KEYS.key)}`),
      keys: ['key'],
      args: [],
      reply,
    });
    const full = { key: key('full') };
    expect(await fill.call(link.write, full, {})).toEqual({ tag: 'done', number: 1 });
    await link.read.config('SET', 'maxmemory', '1');
    try {
      await expect(fill.call(link.write, full, {})).rejects.toMatchObject({
        name: 'RedisUnavailable',
        reason: 'out-of-memory',
      });
      expect(await link.read.get(key('full'))).toBe('1');
      expect(await free.call(link.write, full, {})).toEqual({ tag: 'done', number: 1 });
    } finally {
      await link.read.config('SET', 'maxmemory', '0');
    }
  });
});

describe('defineScript', () => {
  const declared = {
    name: 'test/count',
    keys: ['counter?', 'list?'],
    args: ['step', 'values…'],
    reply: { counted: { total: 'int', kept: 'texts' } },
    refused: { 'no-step': {} },
  } as const;

  it.each([
    [{ ...declared, name: 'test/other' }, /is "test\/count", but is declared as "test\/other"/],
    [{ ...declared, keys: ['list?', 'counter?'] }, /has KEYS "counter\? list\?", but is declared/],
    [{ ...declared, args: ['step'] }, /has ARGV "step values…", but is declared with "step"/],
    [
      { ...declared, reply: { counted: { kept: 'texts', total: 'int' } as const } },
      /has REPLY "counted total kept", but is declared with "counted kept total"/,
    ],
    [{ ...declared, refused: {} }, /has REFUSED "no-step", but is declared with ""/],
  ])('refuses a declaration that differs from the header', (declaration, message) => {
    const file = countFile();
    expect(() => defineScript({ ...declaration, file })).toThrow(message);
    expect(() => defineScript({ ...declaration, file })).toThrow(file);
  });
});
