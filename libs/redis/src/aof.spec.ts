import { Redis } from 'ioredis';
import { systemClock, type Logger } from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { AppendOnlyFile, isMostlyDead, stoppedWriterField } from './aof';
import { RedisLink } from './link';

const MiB = 1024 * 1024;

let server: TestRedis;
let messages: string[];
let log: Logger;
const links: RedisLink[] = [];

beforeEach(async () => {
  server = await startRedis();
  messages = [];
  const note = (message: string): void => void messages.push(message);
  log = { debug: () => undefined, info: note, warn: note, error: note };
});

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  await server.stop();
});

async function connect({ isManaged = true, user = '' } = {}): Promise<RedisLink> {
  const url = server.url.replace('//', `//${user}`);
  const link = await RedisLink.connect({ url, managed: isManaged }, { log, clock: systemClock });
  links.push(link);
  return link;
}

/** How often the server has written its file anew in this run, as far as it tells: -1 is never. */
async function lastRewrite(link: RedisLink): Promise<string | undefined> {
  const text = await link.read.info('persistence');
  return /^aof_last_rewrite_time_sec:(.*)\r/m.exec(text)?.[1];
}

/** Writes something, until it is in the file: while an fsync runs, Redis holds it back. */
async function fill(link: RedisLink): Promise<void> {
  await link.write.set('a', 'x'.repeat(2_000));
  await eventually(async () => /aof_buffer_length:0/.test(await link.read.info('persistence')));
}

describe('the append-only file of a Redis of our own', () => {
  it('is written anew after an unclean stop, before anything is served', async () => {
    await fill(await connect());
    links[0]!.write.disconnect();
    await server.restart();
    const link = await connect();
    expect(await lastRewrite(link)).not.toBe('-1');
    expect(await link.read.strlen('a')).toBe(2_000);
  });

  it('is left alone after a clean stop', async () => {
    const first = await connect();
    await fill(first);
    await first.close();
    await server.restart();
    expect(await lastRewrite(await connect())).toBe('-1');
  });

  it('is not taken for clean after a clean stop that was long ago', async () => {
    const first = await connect();
    await fill(first);
    await first.close();
    await server.restart();
    (await connect()).write.disconnect();
    await server.restart();
    expect(await lastRewrite(await connect())).not.toBe('-1');
  });

  it('is written anew where one gateway stopped in good order, and others wrote on', async () => {
    const [first, other] = [await connect(), await connect()];
    await other.write.hset('sluice:{registry}:writers', 'other', '{}', stoppedWriterField, '{}');
    await fill(first);
    await first.close();
    await fill(other);
    other.write.disconnect();
    await server.restart();
    expect(await lastRewrite(await connect())).not.toBe('-1');
  });

  it('is left alone where the others had stopped in good order before', async () => {
    const [first, other] = [await connect(), await connect()];
    await other.write.hset('sluice:{registry}:writers', stoppedWriterField, '{}');
    await fill(first);
    await other.close();
    await first.close();
    await server.restart();
    expect(await lastRewrite(await connect())).toBe('-1');
  });

  it('is left alone where only the gateway was killed', async () => {
    const first = await connect();
    await fill(first);
    await first.close();
    await server.restart();
    (await connect()).write.disconnect();
    expect(await lastRewrite(await connect())).toBe('-1');
  });

  it('is written anew when the server was killed under a gateway', async () => {
    const link = await connect();
    await fill(link);
    await server.restart();
    await eventually(async () => (await lastRewrite(link)) !== '-1');
    await fill(link);
  });

  it('is a warning where the user may not ask for it', async () => {
    const first = await connect();
    await fill(first);
    first.write.disconnect();
    await server.restart();
    const admin = new Redis(server.url);
    await admin.acl('SETUSER', 'plain', 'on', '>secret', '~*', '&*', '+@all', '-bgrewriteaof');
    admin.disconnect();
    await connect({ user: 'plain:secret@' });
    expect(messages.some((message) => message.includes('could not be asked to'))).toBe(true);
  });

  it.each([
    ['is dead', 300 * MiB, 50 * MiB, 1],
    ['is alive, however large', 9_000 * MiB, 8_000 * MiB, 0],
  ])('is written anew when most of it %s: %d, %d', async (_, fileBytes, dataBytes, times) => {
    const info = [
      'run_id:run',
      'aof_enabled:1',
      `aof_current_size:${fileBytes}`,
      `used_memory_dataset:${dataBytes}`,
    ];
    const bgrewriteaof = jest.fn(() => Promise.resolve('started'));
    const redis = {
      status: 'ready',
      info: () => Promise.resolve(info.join('\r\n')),
      get: () => Promise.resolve('1 run'),
      set: () => Promise.resolve('OK'),
      bgrewriteaof,
    } as unknown as RedisLink['write'];
    const keys = { key: 'mark', writersKey: 'writers' };
    const parts = { redis, ...keys, isManaged: true, clock: systemClock, log };
    const file = new AppendOnlyFile(parts);
    const found = await file.rewriteWhenDead();
    expect(found).toEqual(times === 0 ? null : { fileBytes, dataBytes });
    expect(bgrewriteaof).toHaveBeenCalledTimes(times);
  });
});

describe('the append-only file of a Redis that was given', () => {
  it('is left alone, with a line of advice', async () => {
    const link = await connect({ isManaged: false });
    await fill(link);
    await server.restart();
    await connect({ isManaged: false });
    expect(messages.some((message) => message.includes('redis-cli BGREWRITEAOF'))).toBe(true);
    expect(await lastRewrite(links.at(-1)!)).toBe('-1');
  });
});

describe('isMostlyDead', () => {
  it.each([
    [{ fileBytes: 255 * MiB, dataBytes: 0 }, false],
    [{ fileBytes: 256 * MiB, dataBytes: 0 }, true],
    [{ fileBytes: 1_000 * MiB, dataBytes: 250 * MiB }, true],
    [{ fileBytes: 1_000 * MiB, dataBytes: 251 * MiB }, false],
    // A log that only grows: the file is about as large as the data.
    [{ fileBytes: 100_000 * MiB, dataBytes: 99_000 * MiB }, false],
    [{ fileBytes: Number.NaN, dataBytes: Number.NaN }, false],
  ])('%j: %s', (sizes, expected) => {
    expect(isMostlyDead(sizes)).toBe(expected);
  });
});
