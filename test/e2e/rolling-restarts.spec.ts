import { eventually } from '@sluice/test/support/eventually';
import { kcat } from '@sluice/test/support/kcat';
import { kafkaAt } from '@sluice/test/support/kafkajs';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';
import { freePort } from '@sluice/test/support/redis-local';
import {
  kafkajsReader,
  kafkajsWriter,
  kcatReader,
  kcatWriter,
  platformaticReader,
  platformaticWriter,
  untilAllProgress,
  type SteadyClient,
} from '@sluice/test/support/steady-clients';
import { GatewayProcess } from './gateway-process';

const topic = 'steady';
const partitions = 6;
/**
 * Of one partition: \@platformatic/kafka 2.12 ends a consumer for good when partitions that it
 * fetches together get different leaders (docs/clients.md).
 */
const single = 'steady-single';
const ids = [1, 2, 3] as const;

let redis: TestRedis;
const ports: number[] = [];
const gateways = new Map<number, GatewayProcess>();
const clients: SteadyClient[] = [];

async function startGateway(id: number): Promise<void> {
  const flags = ['--no-admin', '--no-worker', '--broker-id', String(id)];
  const options = { redisUrl: redis.url, port: ports[id - 1]!, flags };
  const session = ['--broker-session-ms', '3000'];
  gateways.set(id, await GatewayProcess.start({ ...options, flags: [...flags, ...session] }));
}

beforeAll(async () => {
  redis = await startRedis();
  for (const id of ids) {
    ports.push(await freePort());
    await startGateway(id);
  }
  const admin = kafkaAt(ports[0]!).admin();
  await admin.connect();
  await eventually(async () => {
    const { brokers } = await admin.describeCluster();
    return brokers.length === ids.length;
  });
  await admin.createTopics({
    topics: [
      { topic, numPartitions: partitions },
      { topic: single, numPartitions: 1 },
    ],
    waitForLeaders: true,
  });
  await admin.disconnect();
});

afterAll(async () => {
  await Promise.allSettled(clients.map((client) => client.stop()));
  for (const gateway of gateways.values()) await gateway.kill();
  await redis?.stop();
});

test('no client notices that each gateway is restarted, and that one is killed', async () => {
  const brokers = ports.map((port) => `127.0.0.1:${port}`);
  const options = { brokers, topic };
  const writers = [await kafkajsWriter(options), kcatWriter(options)];
  const readers = [
    await kafkajsReader(options),
    kcatReader(options, 'group'),
    kcatReader(options, 'assign'),
  ];
  const singleWriter = platformaticWriter({ brokers, topic: single });
  const singleReader = await platformaticReader({ brokers, topic: single });
  clients.push(...writers, ...readers, singleWriter, singleReader);
  await untilAllProgress(clients);

  for (const id of ids) {
    expect((await gateways.get(id)!.end('SIGTERM')).code).toBe(0);
    await untilAllProgress(clients);
    await startGateway(id);
    await untilAllProgress(clients);
  }
  await gateways.get(2)!.kill();
  await untilAllProgress(clients);
  await startGateway(2);
  await untilAllProgress(clients);

  await Promise.all([...writers, singleWriter].map((writer) => writer.stop()));
  await expectOnce(topic, writers, readers);
  await expectOnce(single, [singleWriter], [singleReader]);
  const told = clients.flatMap(({ name, errors }) => errors.map((error) => `${name}: ${error}`));
  expect(told).toEqual([]);
}, 300_000);

/** All that was acknowledged is in the log once, and every reader has seen it. */
async function expectOnce(
  name: string,
  writers: readonly SteadyClient[],
  readers: readonly SteadyClient[],
): Promise<void> {
  const written = writers.flatMap(({ values }) => values);
  for (const { name: reader, values } of readers) {
    const isComplete = () => {
      const seen = new Set(values);
      return written.every((value) => seen.has(value));
    };
    await eventually(isComplete, { what: `all at ${reader}` });
  }
  const log = (await kcat(ports[0]!, ['-C', '-t', name, '-e', '-q', '-f', '%s\n'])).trim();
  const stored = log.split('\n');
  expect(stored.length).toBe(new Set(stored).size);
  expect(new Set(stored)).toEqual(new Set(written));
}
