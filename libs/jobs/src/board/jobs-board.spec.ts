import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { silentLogger, systemClock } from '@sluice/base';
import { connectLink, sharedRedis } from '@sluice/test/support/redis';
import { FakeGround } from '../../test/fake-ground';
import { StreamJobsBoardModule, type BoardMiddleware } from './jobs-board';

const GROUND = Symbol('ground');
let app: INestApplication | undefined;

afterEach(() => app?.close());
afterAll(async () => (await sharedRedis()).stop());

const onlyWithKey: BoardMiddleware = (request, response, next) => {
  if (request.headers.authorization === 'Bearer secret') return next();
  response.writeHead(401).end();
};

async function start(): Promise<string> {
  const link = await connectLink(await sharedRedis());
  const ground = new FakeGround(link, { clock: systemClock, log: silentLogger });
  @Module({ providers: [{ provide: GROUND, useValue: ground }], exports: [GROUND] })
  class GroundModule {}
  @Module({
    imports: [
      StreamJobsBoardModule.forRoot({
        path: '/admin/jobs',
        queues: ['billing'],
        middleware: onlyWithKey,
        imports: [GroundModule],
        ground: GROUND,
      }),
    ],
  })
  class App {}
  app = await NestFactory.create(App, { logger: false, abortOnError: false });
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

test('the queues are shown to those whom the middleware lets in, and to nobody else', async () => {
  const url = `${await start()}/admin/jobs`;
  const headers = { authorization: 'Bearer secret' };
  for (const path of ['', '/', '/api/queues', '/static/nothing.js']) {
    expect([path, (await fetch(url + path)).status]).toEqual([path, 401]);
  }
  expect(await (await fetch(url, { headers })).text()).toContain('<base href="/admin/jobs/"');
  const listed = await fetch(`${url}/api/queues`, { headers });
  const { queues } = (await listed.json()) as { queues: object[] };
  expect(queues).toMatchObject([{ name: 'billing', readOnlyMode: true }]);
  const change = { method: 'PUT', headers };
  const refused = await fetch(`${url}/api/queues/billing/retry/failed`, change);
  expect(refused.status).toBeGreaterThanOrEqual(400);
});

test('a board without a middleware does not start', () => {
  const options = { path: '/jobs', queues: ['billing'] };
  const forRoot = StreamJobsBoardModule.forRoot as (given: object) => unknown;
  expect(() => forRoot(options)).toThrow(/needs a middleware/);
});
