import { ask, problemIn, type Answer } from '../../test/ask';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { sharedRedis } from '@sluice/test/support/redis';

let gateway: TestBroker;

beforeAll(async () => {
  gateway = await startBroker({ admin: true, housekeeping: { worker: true } });
  await gateway.catalog.create({ name: 'orders', partitions: 1, configs: {} });
});
afterAll(async () => {
  await gateway.stop();
  await (await sharedRedis()).stop();
});

const get = (path: string) => ask(gateway.adminUrl, `/v1${path}`);
const post = (path: string, body?: unknown) => {
  return ask(gateway.adminUrl, `/v1${path}`, { method: 'POST', body });
};

function done(asked: Answer): Promise<Answer> {
  expect(asked.status).toBe(202);
  const path = String(asked.headers.location).replace('/v1', '');
  return eventually(async () => {
    const run = await get(path);
    return run.json.state === 'done' && run;
  });
}

it('has a job done now, for all topics or for one, and tells what it did', async () => {
  const all = await done(await post('/retention/runs', {}));
  expect(all.json).toMatchObject({ kind: 'retention', topicId: null, report: { records: 0 } });
  const one = await done(await post('/retention/runs', { topic: 'orders' }));
  expect(one.json.topicId).toBe(gateway.catalog.byName('orders')!.id);
  const repaired = await done(await post('/retention/repair'));
  expect(repaired.json).toMatchObject({ kind: 'fsck', removes: true });
  const { json } = await get('/retention/runs?states=done&limit=200');
  expect((json.runs as { id: string }[]).map(({ id }) => id)).toContain(one.json.id);
});

it('describes what is done how often, and the queue', async () => {
  const { json } = await eventually(async () => {
    const answer = await get('/retention');
    return (answer.json.schedules as unknown[]).length >= 5 && answer;
  });
  expect(json).toMatchObject({ worker: true, checkIntervalMs: expect.any(Number) });
  const queues = await get('/queues');
  expect(queues.json.queues).toMatchObject([{ name: 'housekeeping', failed: 0 }]);
});

it.each<[string, string, unknown, number, string]>([
  ['an unknown topic', '/retention/runs', { topic: 'nothing' }, 404, 'unknown-topic'],
  ['an unknown kind', '/retention/runs', { kind: 'nothing' }, 400, 'invalid-request'],
  ['a topic of fsck', '/retention/runs', { kind: 'fsck', topic: 'orders' }, 400, 'invalid-request'],
  ['an unknown field', '/retention/runs', { remove: true }, 400, 'invalid-request'],
  ['a retry of nothing', '/retention/runs/nothing/retry', {}, 404, 'unknown-run'],
])('refuses %s', async (_, path, body, status, code) => {
  const answer = await post(path, body);
  expect([answer.status, problemIn(answer)]).toEqual([status, code]);
});

it('lets only an admin retry a run that removes what it finds', async () => {
  const [write, admin] = ['write-key-of-the-tests', 'admin-key-of-the-tests'];
  const keys = `writer:write:${write},boss:admin:${admin}`;
  const { adminUrl, stop } = await startBroker({ admin: { keys } });
  const as = (key: string, path: string, body?: unknown) =>
    ask(adminUrl, `/v1/retention${path}`, { method: 'POST', body, headers: { 'X-Api-Key': key } });
  // There is no worker, so neither has failed: that is told to whom it concerns.
  const removing = `/runs/${String((await as(admin, '/repair')).json.id)}/retry`;
  const counting = `/runs/${String((await as(write, '/runs', { kind: 'fsck' })).json.id)}/retry`;
  expect(problemIn(await as(write, removing))).toBe('role-too-low');
  expect(problemIn(await as(write, counting))).toBe('run-not-failed');
  expect(problemIn(await as(admin, removing))).toBe('run-not-failed');
  await stop();
});

it('retries only what has failed', async () => {
  const run = await done(await post('/retention/runs', {}));
  const answer = await post(`/retention/runs/${String(run.json.id)}/retry`);
  expect([answer.status, problemIn(answer)]).toEqual([409, 'run-not-failed']);
  const unknown = await get('/retention/runs/nothing');
  expect([unknown.status, problemIn(unknown)]).toEqual([404, 'unknown-run']);
});
