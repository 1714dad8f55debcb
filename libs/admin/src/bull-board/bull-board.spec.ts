import { ask, problemIn } from '../../test/ask';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { startRedis, type TestRedis } from '@sluice/test/support/redis';

const loaded: string[] = [];

let failures = 1;

jest.mock('@bull-board/express', () => {
  if (failures-- > 0) throw new Error('it cannot be read now');
  loaded.push('@bull-board/express');
  return jest.requireActual<object>('@bull-board/express');
});

const key = 'read-key-of-the-tests';
const reader = { Authorization: `Basic ${Buffer.from(`anyone:${key}`).toString('base64')}` };

let redis: TestRedis;
let gateway: TestBroker;

beforeAll(async () => {
  redis = await startRedis();
  const keys = `reader:read:${key},boss:admin:admin-key-of-the-tests`;
  gateway = await startBroker({ redis, admin: { keys }, housekeeping: { worker: true } });
});

afterAll(() => redis.stop());

const get = (path: string, headers: Record<string, string> = reader) => {
  return ask(gateway.adminUrl, path, { headers });
};

async function listed(): Promise<{ counts: Record<string, number>; jobs: { name: string }[] }> {
  const { status, json } = await get('/queues/api/queues?activeQueue=housekeeping');
  expect(status).toBe(200);
  const [queue] = json.queues as (Awaited<ReturnType<typeof listed>> & { readOnlyMode: true })[];
  expect(queue).toMatchObject({ name: 'housekeeping', readOnlyMode: true, allowRetries: false });
  return queue!;
}

test('a browser without a key is asked for one, and nothing is loaded for it', async () => {
  const answer = await get('/queues', { Accept: 'text/html' });
  expect([answer.status, problemIn(answer)]).toEqual([401, 'key-missing']);
  const challenges = ['Bearer realm="sluice"', 'Basic realm="sluice"'];
  expect(answer.lines('www-authenticate')).toEqual(challenges);
  await get('/docs');
  await get('/v1/queues');
  expect(loaded).toEqual([]);
});

test('what could not be loaded is loaded by the next request', async () => {
  expect((await get('/queues')).status).toBe(500);
  expect((await get('/queues')).status).toBe(200);
});

test.each(['/queues', '/queues/', '/queues/queue/housekeeping'])(
  'a browser gets the page at %s, and all that it loads from here',
  async (path) => {
    const page = await get(path, { ...reader, Accept: 'text/html' });
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['cache-control']).toBe('no-store');
    expect(page.headers).not.toHaveProperty('x-powered-by');
    // It names fonts of another site, which the browser is told not to load.
    const policy = page.headers['content-security-policy'];
    expect(policy).not.toMatch(/https?:|unsafe-eval|script-src[^;]*unsafe/);
    expect(page.text).toContain('<base href="/queues/" />');
    const names = [...page.text.matchAll(/(?:href|src)="(static[^"]+)"/g)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      const { status, headers } = await get(`/queues/${name}`);
      expect([name, status]).toEqual([name, 200]);
      expect(headers['cache-control']).toBe('private, max-age=3600');
    }
    expect(loaded).toEqual(['@bull-board/express']);
  },
);

test('its API tells the jobs, one job, the schedules and how Redis is', async () => {
  const asked = await ask(gateway.adminUrl, '/v1/retention/runs', {
    method: 'POST',
    headers: { 'X-Api-Key': 'admin-key-of-the-tests' },
    body: {},
  });
  expect(asked.status).toBe(202);
  const id = String(asked.json.id);
  await eventually(async () => (await listed()).jobs.some(({ name }) => name === 'retention'));
  const { json } = await eventually(async () => {
    const one = await get(`/queues/api/queues/housekeeping/${id}`);
    return one.json.status === 'completed' && one;
  });
  expect(json).toMatchObject({ job: { id, name: 'retention' } });
  await eventually(async () => {
    const schedules = await get('/queues/api/job-schedulers');
    return schedules.text.includes('deleted-topics');
  });
  for (const path of [
    'redis/stats',
    `queues/housekeeping/${id}/logs`,
    `queues/housekeeping/${id}/flow`,
    'queues/housekeeping/metrics',
    'queues/housekeeping/rate-limit',
    'queues/housekeeping/default-job-options',
  ]) {
    const { status, text } = await get(`/queues/api/${path}`);
    expect([path, status, text]).toEqual([path, 200, expect.any(String)]);
  }
});

test.each([
  ['PUT', '/queues/api/queues/pause'],
  ['PUT', '/queues/api/queues/housekeeping/obliterate'],
  ['PUT', '/queues/api/queues/housekeeping/retry/failed'],
  ['POST', '/queues/api/queues/housekeeping/add'],
  ['PATCH', '/queues/api/queues/housekeeping/job-schedulers/retention'],
  ['DELETE', '/queues/api/queues/housekeeping'],
])('not even an admin changes anything here: %s %s', async (method, path) => {
  const headers = { 'X-Api-Key': 'admin-key-of-the-tests' };
  const body = method === 'DELETE' ? undefined : {};
  const answer = await ask(gateway.adminUrl, path, { method, headers, body });
  expect([answer.status, problemIn(answer)]).toEqual([405, 'method-not-allowed']);
});

test.each([
  '/queues/nothing',
  '/queues/api/nothing',
  '/queues/static/nothing.js',
  '/queues/static/..%2f..%2fpackage.json',
  '/queues/api/queues/housekeeping/workers',
])('there is nothing at %s', async (path) => {
  const answer = await get(path);
  expect([answer.status, problemIn(answer)]).toEqual([404, 'unknown-route']);
});

test('without keys, a page of another site that leads here reads nothing', async () => {
  const open = await startBroker({ redis, admin: true });
  expect((await ask(open.adminUrl, '/queues')).status).toBe(200);
  const answer = await ask(open.adminUrl, '/queues', { headers: { Host: 'elsewhere.example' } });
  expect([answer.status, problemIn(answer)]).toEqual([403, 'foreign-origin']);
  await open.stop();
});

test('while Redis is away it says so, and goes on when it is back', async () => {
  await redis.kill();
  await eventually(() => !gateway.link.status().connected);
  const answer = await eventually(async () => {
    const one = await get('/queues/api/queues');
    return one.status === 503 && one;
  });
  expect([problemIn(answer), answer.headers['retry-after']]).toEqual(['redis-unavailable', '1']);
  await redis.restart();
  await eventually(async () => (await get('/queues/api/queues')).status === 200);
});
