import { Redis } from 'ioredis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { RedisLink } from './link';
import { type Logger, systemClock } from '@sluice/base';

async function info(link: RedisLink, field: string): Promise<string | undefined> {
  const text = await link.read.info('persistence');
  return new RegExp(`^${field}:(.*)\\r`, 'm').exec(text)?.[1];
}

const renewed = (link: RedisLink): Promise<true> =>
  eventually(async () => {
    const seconds = await info(link, 'aof_last_rewrite_time_sec');
    return seconds !== undefined && seconds !== '-1';
  });

describe('the append-only file of a restarted server', () => {
  let server: TestRedis;
  let messages: string[];
  let log: Logger;

  beforeEach(async () => {
    server = await startRedis();
    messages = [];
    const note = (message: string): void => void messages.push(message);
    log = { debug: () => undefined, info: note, warn: note, error: note };
  });

  afterEach(() => server.stop());

  it('is written anew, by whoever is there first, and once', async () => {
    const link = await connectLink(server, {}, { log });
    expect(await info(link, 'aof_last_rewrite_time_sec')).toBe('-1');
    await link.write.set('a', 'x'.repeat(2_000));
    const before = messages.length;
    await server.restart();
    await renewed(link);
    await connectLink(server, {}, { log });
    await link.close();
    expect(messages.slice(before).filter((one) => one.includes('rewrites'))).toHaveLength(1);
    const last = await connectLink(server, {}, { log });
    expect(await last.read.strlen('a')).toBe(2_000);
  });

  it('is also written anew when the gateway comes after the server', async () => {
    const link = await connectLink(server);
    await link.write.set('a', 'x'.repeat(2_000));
    await link.close();
    await server.restart();
    await renewed(await connectLink(server, {}, { log }));
  });

  it('is a warning where the user may not ask for it', async () => {
    const admin = new Redis(server.url);
    await admin.set('a', 'x'.repeat(2_000));
    admin.disconnect();
    await server.restart();
    const again = new Redis(server.url);
    await again.acl('SETUSER', 'plain', 'on', '>secret', '~*', '&*', '+@all', '-bgrewriteaof');
    again.disconnect();
    const url = `redis://plain:secret@${server.host}:${server.port}`;
    const link = await RedisLink.connect({ url }, { log, clock: systemClock });
    expect(messages.some((message) => message.includes('redis-cli BGREWRITEAOF'))).toBe(true);
    await link.close();
  });
});
