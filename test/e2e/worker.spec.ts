import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '@sluice/test/support/eventually';
import { kafkaAt, producerOf } from '@sluice/test/support/kafkajs';
import { adminOf, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { freePort } from '@sluice/test/support/redis-local';
import { GatewayProcess } from './gateway-process';

const entry = join(__dirname, '../../dist/apps/worker/apps/worker/src/main.js');

/** The worker alone, as `npm run build` has built it. */
class WorkerApp {
  output = '';
  readonly #child: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals | null>;

  constructor(args: readonly string[]) {
    this.#child = fork(entry, args, { silent: true });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', (text) => (this.output += String(text)));
    }
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve(signal ?? code));
    });
  }

  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    this.#child.kill(signal);
    return this.ended;
  }
}

let redis: TestRedis;
let port: number;
let gateway: GatewayProcess;

beforeAll(async () => {
  [redis, port] = [await startRedis(), await freePort()];
  const flags = ['--no-worker', '--no-admin'];
  gateway = await GatewayProcess.start({ redisUrl: redis.url, port, flags });
});

afterAll(async () => {
  await gateway?.kill();
  await redis?.stop();
});

/** What the worker answers over HTTP, once it does. */
async function got(port: number, path: string): Promise<{ status: number; body: string }> {
  return eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return response.status !== 503 && { status: response.status, body: await response.text() };
  });
}

test('trims the topics of a gateway that has no worker, and stops in good order', async () => {
  const kafka = kafkaAt(port);
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = [{ name: 'retention.ms', value: '1000' }];
  await admin.createTopics({ topics: [{ topic: 'brief', numPartitions: 1, configEntries }] });
  const producer = await producerOf(kafka);
  await producer.send({ topic: 'brief', messages: [{ value: 'soon gone' }] });
  await producer.disconnect();
  const low = async () => Number((await admin.fetchTopicOffsets('brief'))[0]!.low);
  expect(await low()).toBe(0);

  const adminPort = await freePort();
  const worker = new WorkerApp(['--redis-url', redis.url, '--admin-port', `${adminPort}`]);
  await eventually(() => worker.output.includes('the retention worker is ready'));
  await eventually(async () => (await low()) === 1);
  await admin.disconnect();
  const { body, status } = await got(adminPort, '/metrics');
  expect(status).toBe(200);
  expect(body).toMatch(/^sluice_housekeeping_\w+\{.*kind="/m);
  expect(await got(adminPort, '/health/ready')).toMatchObject({ status: 200 });
  expect(await got(adminPort, '/v1/topics')).toMatchObject({ status: 404 });

  const server = await adminOf(redis);
  const writers = Object.keys(await server.hgetall('sluice:{registry}:writers'));
  // The gateway, and nobody else: the worker appends nothing.
  expect(writers.filter((name) => name !== 'stopped')).toHaveLength(1);
  expect(await worker.end('SIGTERM')).toBe(0);
  expect(worker.output).toContain('stopped');
  expect(await server.zcard('sluice:{jobs}:workers')).toBe(0);
});

test('says what is wrong with a command line, and what its settings are', async () => {
  const wrong = new WorkerApp(['--broker-id', '1']);
  expect(await wrong.ended).toBe(2);
  expect(wrong.output).toContain('--broker-id is not a flag of Sluice');
  const help = new WorkerApp(['--help']);
  expect(await help.ended).toBe(0);
  expect(help.output).toContain('--log-retention-check-interval-ms');
  expect(help.output).toContain('--admin-port');
  expect(help.output).not.toContain('--advertised-host');
});

test('ends with what to do where there is no Redis', async () => {
  const lost = await freePort();
  const worker = new WorkerApp(['--redis-url', `redis://127.0.0.1:${lost}`, '--no-admin']);
  expect(await worker.ended).toBe(1);
  expect(worker.output).toMatch(/cannot be reached/);
});
