import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@sluice/test/support/eventually';
import { kafkaAt, readWithKafkajs } from '@sluice/test/support/kafkajs';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { freePort } from '@sluice/test/support/redis-local';
import { ask, type Answer } from '../../libs/admin/test/ask';
import { GatewayProcess } from './gateway-process';

const topic = 'produced-once';
const partitions = 3;
const clientCount = 6;
const recordsPerRequest = 5;
const kills = 5;
const answeredPerKill = 60;
const retryPauseMs = 20;

interface Placed {
  partition: number;
  offset: number;
  timestampMs: number;
}

let redis: TestRedis;
let port: number;
let adminPort: number;
let gateway: GatewayProcess;
let clients: Client[] = [];

async function start(): Promise<void> {
  const flags = [`--admin-port=${adminPort}`, '--admin-requests-per-second=100000'];
  gateway = await GatewayProcess.start({ redisUrl: redis.url, port, flags });
}

const adminUrl = () => `http://127.0.0.1:${adminPort}`;

/** What there was instead of an answer: nobody who listens, or a connection that broke. */
type Silence = 'refused' | 'broken';

async function post(path: string, body: object, headers = {}): Promise<Answer | Silence> {
  try {
    return await ask(adminUrl(), path, { method: 'POST', body, headers });
  } catch (error) {
    return (error as { code?: string }).code === 'ECONNREFUSED' ? 'refused' : 'broken';
  }
}

beforeAll(async () => {
  redis = await startRedis();
  [port, adminPort] = [await freePort(), await freePort()];
  await start();
  await eventually(async () => {
    const answer = await post('/v1/topics', { name: topic, partitions });
    return typeof answer === 'object' && answer.status === 201;
  });
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  await gateway?.kill();
  await redis?.stop();
});

/** Produces one request after the other, each with a key, as often as it takes to be answered. */
class Client {
  /** Where each record is, by its value. */
  readonly placed = new Map<string, Placed>();
  answered = 0;
  /** How often there was no answer, or none that says what became of the request. */
  unanswered = 0;
  /** How often the gateway died while it had the request. */
  broken = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(private readonly name: string) {
    this.#running = this.#run();
    // `stop` tells.
    this.#running.catch(() => undefined);
  }

  /** Lets the request that is under way come to its answer; throws what was wrong. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#stopped; n++) await this.#produce(`${this.name}-${n}`);
  }

  async #produce(key: string): Promise<void> {
    const values = Array.from({ length: recordsPerRequest }, (_, at) => `${key}-${at}`);
    const records = values.map((value) => ({ key: value, value }));
    const headers = { 'Idempotency-Key': key };
    for (;;) {
      const answer = await post(`/v1/topics/${topic}/records`, { records }, headers);
      if (typeof answer === 'object' && answer.status === 200) {
        const told = answer.json.records as Placed[];
        values.forEach((value, at) => this.placed.set(value, told[at]!));
        this.answered++;
        return;
      }
      // Starting, or Redis is not connected yet; anything else is a fault.
      if (typeof answer === 'object' && answer.status !== 503) throw new Error(answer.text);
      if (answer === 'broken') this.broken++;
      this.unanswered++;
      await sleep(retryPauseMs);
    }
  }
}

const placeOf = ({ partition, offset, timestampMs }: Placed): Placed => {
  return { partition, offset, timestampMs };
};

const sum = (of: (client: Client) => number) => clients.reduce((all, one) => all + of(one), 0);

test('each request that is repeated with its key is done exactly once', async () => {
  clients = Array.from({ length: clientCount }, (_, at) => new Client(`client-${at}`));
  for (let killed = 0; killed < kills; killed++) {
    const before = sum(({ answered }) => answered);
    const unanswered = sum((client) => client.unanswered);
    await eventually(() => sum(({ answered }) => answered) >= before + answeredPerKill);
    await gateway.kill();
    await eventually(() => sum((client) => client.unanswered) >= unanswered + clientCount);
    await start();
  }
  const last = sum(({ answered }) => answered);
  await eventually(() => sum(({ answered }) => answered) >= last + answeredPerKill);
  await Promise.all(clients.map((client) => client.stop()));

  expect(sum(({ broken }) => broken)).toBeGreaterThan(0);
  const placed = new Map(clients.flatMap((client) => [...client.placed]));
  const admin = kafkaAt(port).admin();
  await admin.connect();
  const ends = (await admin.fetchTopicOffsets(topic)).map(({ high }) => Number(high));
  await admin.disconnect();
  expect(ends.reduce((all, end) => all + end, 0)).toBe(placed.size);
  const stored = await readWithKafkajs(kafkaAt(port), topic, placed.size);
  const found = new Map(stored.map(({ value, ...record }) => [value!, placeOf(record)]));
  expect(found).toEqual(placed);
}, 300_000);
