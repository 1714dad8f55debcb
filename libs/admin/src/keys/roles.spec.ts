import { once } from 'node:events';
import { connect } from 'node:net';
import { ask, problemIn, type Answer, type Question } from '../../test/ask';
import { allRoutes, type Route } from '../../test/routes';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { sharedRedis } from '@sluice/test/support/redis';
import { allows, roles } from './api-keys';

const keys = {
  read: 'read-key-of-the-tests',
  write: 'write-key-of-the-tests',
  admin: 'admin-key-of-the-tests',
};
const given = roles.map((role) => `${role}-user:${role}:${keys[role]}`).join(',');
const routes = allRoutes();
const named = routes.map((route) => [`${route.method} ${route.path}`, route] as const);
const guarded = named.filter(([, { facts }]) => facts?.role !== 'open');

let gateway: TestBroker;

beforeAll(async () => {
  gateway = await startBroker({ admin: { keys: given } });
});

afterAll(async () => (await sharedRedis()).stop());

/** There are more routes than wrong keys that are looked at one after the other. */
function askInTurn(path: string, question: Question): Promise<Answer> {
  return eventually(async () => {
    const answer = await ask(gateway.adminUrl, path, question);
    return answer.status !== 429 && answer;
  });
}

function send({ method, path, facts }: Route, headers: Record<string, string>): Promise<Answer> {
  const accept = { Accept: facts?.produces ?? '*/*' };
  return askInTurn(path, { method, headers: { ...accept, ...headers } });
}

test('there are routes', () => {
  expect(routes.length).toBeGreaterThan(2);
});

test.each(named)('%s has a role', (_, { facts }) => {
  expect(facts?.role).toMatch(/^(open|read|write|admin)$/);
});

test.each(guarded)('%s needs a key', async (_, route) => {
  const answer = await send(route, {});
  expect([answer.status, problemIn(answer)]).toEqual([401, 'key-missing']);
  expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
});

test.each(guarded)('%s takes no wrong key', async (_, route) => {
  const answer = await send(route, { 'X-Api-Key': 'no-key-of-the-tests' });
  expect([answer.status, problemIn(answer)]).toEqual([401, 'key-unknown']);
  expect(answer.text).not.toContain('no-key-of');
});

test('what needs no key does not look at a wrong one', async () => {
  const open = named.filter(([, { facts }]) => facts?.role === 'open');
  for (const [name, route] of open) {
    const { status } = await send(route, { 'X-Api-Key': 'no-key-of-the-tests' });
    expect([name, [401, 403].includes(status)]).toEqual([name, false]);
  }
});

describe.each(roles)('a key with the role %s', (role) => {
  const lower = guarded.filter(([, { facts }]) => !allows(role, facts!.role as 'read'));
  const enough = named.filter((route) => !lower.includes(route));

  test('is kept out of what needs more', async () => {
    for (const [, route] of lower) {
      const answer = await send(route, { Authorization: `Bearer ${keys[role]}` });
      expect([route.path, answer.status]).toEqual([route.path, 403]);
      expect(problemIn(answer)).toBe('role-too-low');
    }
  });

  test('is let into the rest', async () => {
    for (const [name, route] of enough) {
      const { status } = await send(route, { Authorization: `Bearer ${keys[role]}` });
      expect([name, [401, 403, 405, 406].includes(status)]).toEqual([name, false]);
    }
  });
});

test('a key that may not is refused before its body is read', async () => {
  const { port } = new URL(gateway.adminUrl);
  const head = [
    'POST /v1/topics HTTP/1.1',
    'Host: localhost',
    `X-Api-Key: ${keys.read}`,
    'Content-Type: application/json',
    // Of which nothing ever comes.
    'Content-Length: 1000000',
  ];
  const socket = connect({ port: Number(port), host: '127.0.0.1' });
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  expect(first.toString()).toMatch(/^HTTP\/1.1 403 /);
  socket.destroy();
});

test.each([
  ['X-Api-Key', keys.read],
  ['Authorization', `bearer  ${keys.read}`],
  ['Authorization', `Basic ${Buffer.from(`anyone:${keys.read}`).toString('base64')}`],
])('a key may come as %s: %s', async (name, value) => {
  const { status } = await askInTurn('/metrics', { headers: { [name]: value } });
  expect(status).not.toBe(401);
});

test.each(['Digest x', 'Bearer', 'Basic !', `Token ${keys.read}`])(
  'no key comes as Authorization: %s',
  async (value) => {
    const headers = { Authorization: value };
    expect((await askInTurn('/metrics', { headers })).status).toBe(401);
  },
);

test('whoever tries keys is soon told to wait, and others are not', async () => {
  const one = await startBroker({ admin: { keys: given } });
  const tries = Array.from({ length: 60 }, (_, i) =>
    ask(one.adminUrl, '/metrics', { headers: { 'X-Api-Key': `guess-${i}` } }),
  );
  const statuses = (await Promise.all(tries)).map(({ status }) => status);
  expect(statuses).toContain(401);
  expect(statuses).toContain(429);
  // From the same address.
  const right = await ask(one.adminUrl, '/metrics', { headers: { 'X-Api-Key': keys.read } });
  expect([401, 429]).not.toContain(right.status);
  expect((await ask(one.adminUrl, '/health/live')).status).toBe(200);
  await one.stop();
});
