import { connect } from 'node:net';
import { silentLogger } from '@sluice/base';
import { Housekeeping } from '@sluice/retention';
import { ask, problemIn } from '../../test/ask';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { sharedRedis } from '@sluice/test/support/redis';

let gateway: TestBroker;
let base: string;

beforeAll(async () => {
  gateway = await startBroker({ admin: true });
  base = gateway.adminUrl;
});

afterAll(async () => (await sharedRedis()).stop());

/** Sends bytes as they are, and gives what comes until the connection is closed. */
function raw(text: string): Promise<string> {
  const { port } = new URL(base);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect({ port: Number(port), host: '127.0.0.1' }, () => socket.write(text));
    socket.on('data', (chunk) => (received += String(chunk)));
    socket.once('error', reject);
    socket.once('close', () => resolve(received));
  });
}

test('health tells what is up', async () => {
  expect(await ask(base, '/health/live')).toMatchObject({ status: 200, json: { status: 'ok' } });
  const { status, json } = await ask(base, '/health/ready');
  expect(status).toBe(200);
  // This gateway has no retention worker, and no other process is there.
  const worker = { status: 'degraded', message: expect.stringContaining('nothing is trimmed') };
  expect(json).toMatchObject({
    status: 'degraded',
    details: { redis: { status: 'up' }, kafka: { status: 'up' }, worker },
  });
});

test('health does not repeat what went wrong inside', async () => {
  const lines: unknown[] = [];
  const log = { ...silentLogger, debug: (...line: unknown[]) => void lines.push(line) };
  const one = await startBroker({ admin: true, log });
  const workers = jest.spyOn(Housekeeping.prototype, 'workers');
  workers.mockRejectedValue(new Error('NOPERM secret-key'));
  const { text } = await ask(one.adminUrl, '/health/ready');
  workers.mockRestore();
  expect(text).toContain('it cannot be asked for');
  expect(text).not.toContain('secret-key');
  expect(JSON.stringify(lines)).toContain('NOPERM secret-key');
  await one.stop();
});

test('an answer has an id, and headers for browsers', async () => {
  const { headers } = await ask(base, '/health/live', { headers: { 'X-Request-Id': 'mine-1' } });
  expect(headers).toMatchObject({
    'x-request-id': 'mine-1',
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringContaining("default-src 'self'"),
    'cache-control': 'no-store',
  });
  expect(headers).not.toHaveProperty('x-powered-by');
  expect(headers).not.toHaveProperty('access-control-allow-origin');
  const bad = await ask(base, '/health/live', { headers: { 'X-Request-Id': 'a b' } });
  expect(bad.headers['x-request-id']).toMatch(/^[\w-]{22}$/);
});

test('an unknown address is a problem, with what there is', async () => {
  for (const path of ['/', '/v1', '/v1/nothing', '/v2/topics', '/health/live/more']) {
    const answer = await ask(base, path);
    expect([answer.status, problemIn(answer)]).toEqual([404, 'unknown-route']);
  }
});

test('a path that is not well encoded is a problem', async () => {
  const answer = await ask(base, '/health/%E0%A4%A');
  expect([400, 404]).toContain(answer.status);
  problemIn(answer);
});

test('another method of an address is told which there are', async () => {
  const answer = await ask(base, '/health/live', { method: 'DELETE' });
  expect([answer.status, problemIn(answer)]).toEqual([405, 'method-not-allowed']);
  expect(answer.headers.allow).toBe('GET');
});

test('who accepts something else is told what there is', async () => {
  const answer = await ask(base, '/health/live', { headers: { Accept: 'image/png' } });
  expect([answer.status, problemIn(answer)]).toEqual([406, 'not-acceptable']);
  const html = await ask(base, '/health/live', { headers: { Accept: 'text/html, */*;q=0.1' } });
  expect(html.status).toBe(200);
});

test.each([
  ['not JSON', '{', {}, 400, 'invalid-json'],
  ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, 400, 'invalid-json'],
  ['text', 'hello', { 'Content-Type': 'text/plain' }, 415, 'unsupported-media-type'],
  ['a form', 'a=b', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, undefined],
  ['latin-1', '{}', { 'Content-Type': 'application/json; charset=latin1' }, 415, undefined],
  ['packed', '{}', { 'Content-Encoding': 'gzip' }, 415, 'unsupported-encoding'],
  ['too large', ' '.repeat(4 * 1024 * 1024 + 1), {}, 413, 'body-too-large'],
] as const)('a body that is %s is refused', async (_, body, headers, status, code) => {
  const answer = await ask(base, '/v1/topics', { method: 'POST', body, headers });
  expect(answer.status).toBe(status);
  expect(problemIn(answer)).toBe(code ?? 'unsupported-media-type');
  expect(answer.text).not.toContain('hello');
});

test('what is not HTTP, and a head that is too large, are problems too', async () => {
  expect(await raw('\0\0\0 nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [^]*problem:invalid-http"/);
  const head = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`;
  expect(await raw(head)).toMatch(/^HTTP\/1.1 431 [^]*problem:head-too-large"/);
});

describe('browsers', () => {
  test('a name of another site that leads here reads nothing', async () => {
    const answer = await ask(base, '/metrics', { headers: { Host: 'evil.example' } });
    expect([answer.status, problemIn(answer)]).toEqual([403, 'foreign-origin']);
    for (const host of ['localhost', 'localhost:8080', '127.0.0.1', '[::1]:8080']) {
      expect((await ask(base, '/health/live', { headers: { Host: host } })).status).toBe(200);
    }
  });

  test.each([
    ['Sec-Fetch-Site', 'cross-site'],
    ['Sec-Fetch-Site', 'same-site'],
    ['Origin', 'https://evil.example'],
    ['Origin', 'null'],
  ])('a page of another site changes nothing: %s %s', async (name, value) => {
    const question = { method: 'POST', body: {}, headers: { [name]: value } };
    const answer = await ask(base, '/v1/topics', question);
    expect([answer.status, problemIn(answer)]).toEqual([403, 'foreign-origin']);
  });
});

test('one address may ask so often, and is then told to wait', async () => {
  const one = await startBroker({ admin: { requestsPerSecond: 1 } });
  const answers = [];
  for (let i = 0; i < 3; i++) answers.push(await ask(one.adminUrl, '/health/live'));
  const last = answers.at(-1)!;
  expect(answers.slice(0, 2).map(({ status }) => status)).toEqual([200, 200]);
  expect([last.status, problemIn(last)]).toEqual([429, 'too-many-requests']);
  expect(last.headers['retry-after']).toBe('1');
  await one.stop();
});
