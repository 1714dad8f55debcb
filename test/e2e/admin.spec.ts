import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@sluice/test/support/eventually';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { GatewayProcess } from './gateway-process';

const key = 'a-key-of-the-e2e-tests';
let redis: TestRedis;
let directory: string;
let running: GatewayProcess | null = null;

beforeAll(async () => {
  redis = await startRedis();
  directory = mkdtempSync(join(tmpdir(), 'sluice-admin-'));
});

afterEach(async () => {
  await running?.kill();
  running = null;
});

afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await redis.stop();
});

async function start(...flags: string[]): Promise<GatewayProcess> {
  running = await GatewayProcess.start({ redisUrl: redis.url, port: 0, flags });
  return running;
}

function failedStart(...flags: string[]): Promise<{ code: unknown; output: string }> {
  return GatewayProcess.startAndEnd({ redisUrl: redis.url, port: 0, flags });
}

async function statusOf(path: string, headers: Record<string, string> = {}): Promise<number> {
  return (await fetch(`http://127.0.0.1:${running!.adminPort}${path}`, { headers })).status;
}

test('keys of a file are needed, work, and are in no line of the log', async () => {
  const file = join(directory, 'keys');
  writeFileSync(file, `# for the tests\nops:admin:${key}\n`);
  const flags = ['--admin-port=0', '--admin-host=0.0.0.0', `--admin-keys-file=${file}`];
  const gateway = await start(...flags, '--log-level=debug');
  await eventually(async () => (await statusOf('/health/ready')) === 200);
  expect(await statusOf('/v1/topics')).toBe(401);
  expect(await statusOf('/v1/topics', { Authorization: `Bearer ${key}x` })).toBe(401);
  expect(await statusOf('/v1/topics?name=sought', { Authorization: `Bearer ${key}` })).toBe(200);
  const { code, output } = await gateway.end('SIGTERM');
  expect(code).toBe(0);
  expect(output).toMatch(/admin request .*path=\/v1\/topics status=200 .*key=ops/);
  expect(output).not.toContain(key);
  expect(output).not.toContain('sought');
});

test('a stop does not wait for a caller who only holds a connection', async () => {
  const gateway = await start('--admin-port=0');
  const socket = connect({ port: gateway.adminPort!, host: '127.0.0.1' });
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.on('error', () => undefined);
  const { code, output } = await gateway.end('SIGTERM');
  expect(code).toBe(0);
  expect(output).not.toMatch(/in time|still runs/);
  socket.destroy();
});

test('without them there is no port', async () => {
  expect((await start('--no-admin')).adminPort).toBeNull();
});

describe('it does not start', () => {
  let other: Server | undefined;

  afterEach(() => other?.close());

  test('on a port that is taken, and says which flag chooses another', async () => {
    other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other!.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, output } = await failedStart(`--admin-port=${port}`);
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port} is in use by another program.`);
    expect(output).toMatch(/--admin-port or SLUICE_ADMIN_PORT.*--no-admin/);
    expect(output).not.toContain('something still runs');
  });

  test('where others reach it and nobody needs a key', async () => {
    const { code, output } = await failedStart('--admin-host=0.0.0.0', '--admin-port=0');
    expect(code).toBe(2);
    expect(output).toMatch(/--admin-host is '0\.0\.0\.0'.*need an API key: set SLUICE_ADMIN_KEYS/);
  });

  test('with a key that is too short, which it does not repeat', async () => {
    const { code, output } = await failedStart('--admin-keys=ops:admin:tiny');
    expect(code).toBe(2);
    expect(output).toContain("key 1 ('ops') must have 16 to 256 characters");
    expect(output).not.toContain('tiny');
  });

  test('with a file of keys that is not there', async () => {
    const { code, output } = await failedStart(`--admin-keys-file=${directory}/none`);
    expect(code).toBe(2);
    expect(output).toContain('--admin-keys-file cannot be read');
  });
});
