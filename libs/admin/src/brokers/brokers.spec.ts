import { ask, problemIn } from '../../test/ask';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { sharedRedis } from '@sluice/test/support/redis';

let gateway: TestBroker;

beforeAll(async () => {
  gateway = await startBroker({ admin: true, brokerId: 7, defaultPartitions: 3 });
  await gateway.catalog.create({ name: 'a', partitions: 2 });
  await gateway.catalog.create({ name: 'b', partitions: 3 });
});

afterAll(async () => (await sharedRedis()).stop());

test('the one broker is listed and described', async () => {
  const own = {
    id: 7,
    host: '127.0.0.1',
    port: gateway.port,
    rack: null,
    isController: true,
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    connections: 0,
  };
  expect((await ask(gateway.adminUrl, '/v1/brokers')).json).toEqual({ brokers: [own] });
  expect((await ask(gateway.adminUrl, '/v1/brokers/7')).json).toEqual(own);
});

test("its configs are told under Kafka's names", async () => {
  const { json } = await ask(gateway.adminUrl, '/v1/brokers/7/configs');
  const configs = json.configs as { name: string }[];
  expect(configs.find(({ name }) => name === 'num.partitions')).toMatchObject({
    value: '3',
    source: 'STATIC_BROKER_CONFIG',
    isDefault: false,
    readOnly: true,
  });
});

test.each(['/v1/brokers/1', '/v1/brokers/x', '/v1/brokers/1/configs'])(
  'another broker is not there: %s',
  async (path) => {
    const answer = await ask(gateway.adminUrl, path);
    expect([answer.status, problemIn(answer)]).toEqual([404, 'unknown-broker']);
  },
);

test('the cluster is described, with its Redis', async () => {
  const { status, json } = await ask(gateway.adminUrl, '/v1/cluster');
  expect(status).toBe(200);
  expect(json).toMatchObject({
    id: gateway.clusterId,
    controller: 7,
    brokers: 1,
    topics: 2,
    partitions: 5,
    redis: {
      connected: true,
      product: expect.stringMatching(/^(redis|valkey)$/),
      version: expect.stringMatching(/^\d+\./),
      role: 'primary',
      replicas: expect.any(Number),
      persistence: { aof: true },
      memory: { usedBytes: expect.any(Number), maxBytes: 0, policy: 'noeviction' },
      runId: expect.stringMatching(/^[0-9a-f]{40}$/),
    },
  });
});
