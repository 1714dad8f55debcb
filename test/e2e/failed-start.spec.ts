import { createServer, type AddressInfo } from 'node:net';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { Redis } from 'ioredis';
import { GatewayProcess } from './gateway-process';

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.stop());

/** The gateway's last words, once its process has ended. */
async function failedStart(redisUrl: string, port = 0): Promise<{ code: unknown; output: string }> {
  const ended = await GatewayProcess.startAndEnd({ redisUrl, port });
  // What was left over would have been named, and the process ended with force.
  expect(ended.output).not.toContain('something still runs');
  return ended;
}

test('on a new Redis that is full it ends, and says why', async () => {
  const full = await startRedis({ args: ['--maxmemory', '1'] });
  const { code, output } = await failedStart(full.url);
  expect(code).toBe(1);
  expect(output).toMatch(/It is full.* Raise maxmemory/);
  await full.stop();
});

test('with a user who may not write it ends, and says why', async () => {
  const client = new Redis(redis.url);
  const rights = ['on', '>secret', '~*', '&*', '+@all', '-@write'];
  await client.call('ACL', 'SETUSER', 'reader', ...rights);
  await client.quit();
  const { host, port } = redis;
  const { code, output } = await failedStart(`redis://reader:secret@${host}:${port}`);
  expect(code).toBe(1);
  expect(output).toMatch(/permission|right/i);
});

test('on a port that is taken it ends, and says why', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const { code, output } = await failedStart(redis.url, port);
  expect(code).toBe(1);
  expect(output).toContain(`Port ${port} is in use`);
  other.close();
});

test('without a Redis it ends, and says why', async () => {
  const { code, output } = await failedStart('redis://127.0.0.1:1');
  expect(code).toBe(1);
  expect(output).toContain('Redis');
});
