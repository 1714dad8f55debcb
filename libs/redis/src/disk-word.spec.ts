import type { Redis } from 'ioredis';
import { askForDiskWord } from './disk-word';
import { RedisUnavailable, UnknownOutcome } from './errors';

/** An error as Redis answers it. */
function refusal(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

interface Answers {
  info?: string;
  waitAof?: () => Promise<unknown>;
  config?: (name: string) => Promise<string[]>;
}

function redisWith({ info = 'aof_enabled:1\r\n', waitAof, config }: Answers): Redis {
  const answers = {
    info: () => Promise.resolve(info),
    call: waitAof ?? (() => Promise.resolve([0, 0])),
    config: (_get: string, name: string) => config?.(name) ?? Promise.reject(refusal('NOPERM no')),
  };
  return answers as unknown as Redis;
}

const redis = { product: 'redis' } as const;
const lost = () => Promise.reject(new Error('Connection is closed.'));
const held = () => Promise.reject(new RedisUnavailable('recovering', 'it is looked at'));
const forbidden = () => Promise.reject(refusal('NOPERM this user has no permissions to run it'));

test('the disk is told by WAITAOF, by appendfsync always, or not at all', async () => {
  expect(await askForDiskWord(redisWith({}), redis)).toBe('waitaof');
  const settings: Record<string, string> = { appendfsync: 'always' };
  const config = async (name: string) => [name, settings[name] ?? 'no'];
  expect(await askForDiskWord(redisWith({ waitAof: forbidden, config }), redis)).toBe('always');
  expect(await askForDiskWord(redisWith({ config }), { product: 'valkey' })).toBe('always');
  const none = await askForDiskWord(redisWith({ waitAof: forbidden }), redis);
  expect(none).toMatchObject({ problem: expect.stringContaining('WAITAOF') });
  const off = await askForDiskWord(redisWith({ info: 'aof_enabled:0\r\n' }), redis);
  expect(off).toMatchObject({ problem: expect.stringContaining('no append-only file') });
});

test('a server that gives no answer is not told to be one that cannot say it', async () => {
  const asked = askForDiskWord(redisWith({ waitAof: lost }), redis);
  await expect(asked).rejects.toBeInstanceOf(UnknownOutcome);
  const config = askForDiskWord(redisWith({ waitAof: forbidden, config: held }), redis);
  await expect(config).rejects.toMatchObject({ reason: 'recovering' });
});
