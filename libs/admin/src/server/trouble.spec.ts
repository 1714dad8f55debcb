import { appendRecord } from '../../test/append';
import { ask, problemIn } from '../../test/ask';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';

let redis: TestRedis;
let gateway: TestBroker;

beforeAll(async () => {
  redis = await startRedis();
  gateway = await startBroker({ redis, admin: true });
  await gateway.catalog.create({ name: 'kept', partitions: 2 });
  await appendRecord(gateway, 'kept');
});

afterAll(() => redis.stop());

const overwrite = { 'If-Match': '*' };

describe('while Redis is away', () => {
  beforeAll(async () => {
    await redis.kill();
    await eventually(() => !gateway.link.status().connected);
  });

  afterAll(async () => {
    await redis.restart();
    await eventually(() => gateway.link.status().connected);
  });

  test.each([
    ['GET', '/v1/topics?sizes=true', undefined],
    ['GET', '/v1/topics/kept', undefined],
    ['GET', '/v1/topics/kept/partitions', undefined],
    ['GET', '/v1/topics/kept/partitions?memory=true', undefined],
    ['GET', '/v1/topics/kept/partitions/0', undefined],
    ['GET', '/queues/api/queues', undefined],
    ['POST', '/v1/topics', { name: 'new' }],
    ['POST', '/v1/topics?dryRun=true', { name: 'new' }],
    ['POST', '/v1/topics/kept/partitions', { total: 3 }],
    ['PATCH', '/v1/topics/kept/configs', { configs: { 'retention.ms': '1' } }],
    ['DELETE', '/v1/topics/kept', undefined],
    ['DELETE', '/v1/topics/kept/partitions/0/records?before=end', undefined],
  ])('%s %s says so, and when to come again', async (method, path, body) => {
    const answer = await ask(gateway.adminUrl, path, { method, body, headers: overwrite });
    expect([answer.status, problemIn(answer)]).toEqual([503, 'redis-unavailable']);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json.detail).toContain('Nothing was changed');
  });

  test.each([
    '/v1/topics',
    '/v1/topics/kept/configs',
    '/v1/brokers',
    '/v1/brokers/1/configs',
    '/v1/cluster',
    '/health/live',
    '/metrics',
  ])('%s needs no Redis', async (path) => {
    expect([200, 404]).toContain((await ask(gateway.adminUrl, path)).status);
  });

  test('the cluster is told without what only Redis knows', async () => {
    const { json } = await ask(gateway.adminUrl, '/v1/cluster');
    expect(json.redis).toMatchObject({ connected: false, memory: null, replicas: null });
  });

  test('readiness tells which part is down', async () => {
    const { status, json, headers } = await ask(gateway.adminUrl, '/health/ready');
    expect([status, headers['retry-after']]).toEqual([503, '1']);
    expect(json).toMatchObject({
      status: 'error',
      info: { kafka: { status: 'up' } },
      error: { redis: { status: 'down', message: expect.any(String) } },
    });
  });
});

test('when Redis is back all is as it was', async () => {
  await eventually(async () => {
    return (await ask(gateway.adminUrl, '/health/ready')).status === 200;
  });
  const { json } = await ask(gateway.adminUrl, '/v1/topics/kept');
  expect(json).toMatchObject({ partitions: 2, configs: {}, size: { records: 1 } });
});

test('a Redis that does not answer leaves it open whether a change was made', async () => {
  const one = await startBroker({ redis, admin: true });
  await redis.pause();
  const asked = ask(one.adminUrl, '/v1/topics/kept/partitions', {
    method: 'POST',
    body: { total: 3 },
  });
  const answer = await asked.finally(() => redis.resume());
  // The look at the registry, which comes before the change, was not answered.
  expect([answer.status, problemIn(answer)]).toEqual([504, 'outcome-unknown']);
  expect(answer.json.detail).toContain('before you try again');
  await one.stop();
});

test('a mistake of our own is told as one, without its details', async () => {
  const spy = jest.spyOn(gateway.catalog, 'list').mockImplementation(() => {
    throw new Error('secret of the inside');
  });
  const answer = await ask(gateway.adminUrl, '/v1/topics');
  spy.mockRestore();
  expect([answer.status, problemIn(answer)]).toEqual([500, 'internal-error']);
  expect(answer.text).not.toContain('secret');
});
