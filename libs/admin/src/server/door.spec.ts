import type { ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { silentLogger, systemClock, type Clock } from '@sluice/base';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { eventually } from '@sluice/test/support/eventually';
import { ask, problemIn } from '../../test/ask';
import { adminLimits } from '../limits';
import { AdminDoor, AdminListenError } from './door';

const place = { host: '127.0.0.1', port: 0 };
const doors: AdminDoor[] = [];

const log = silentLogger;

async function openDoor(clock: Clock = systemClock): Promise<AdminDoor> {
  const door = new AdminDoor(place, { clock, log });
  doors.push(door);
  await door.start();
  return door;
}

afterEach(async () => {
  for (const door of doors.splice(0)) {
    door.server.closeAllConnections();
    door.server.close();
  }
});

const urlOf = ({ port }: AdminDoor): string => `http://127.0.0.1:${port}`;

/** A connection that sends this and reads nothing; what comes and how it ends is noted. */
async function raw(door: AdminDoor, text: string): Promise<Socket> {
  const socket = connect({ port: door.port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(text);
  return socket;
}

const isClosed = ({ readyState, destroyed }: Socket) => destroyed || readyState !== 'open';

test('until something answers, callers are told to come again', async () => {
  const door = await openDoor();
  const answer = await ask(urlOf(door), '/v1/topics');
  expect([answer.status, problemIn(answer)]).toEqual([503, 'starting']);
  expect(answer.headers['retry-after']).toBe('1');
  door.serve((_, response) => void response.end('here'));
  expect((await ask(urlOf(door), '/')).text).toBe('here');
});

test('a port that is taken is told with its address', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const started = new AdminDoor({ host: '127.0.0.1', port }, { clock: systemClock, log }).start();
  await expect(started).rejects.toBeInstanceOf(AdminListenError);
  await expect(started).rejects.toMatchObject({
    address: { host: '127.0.0.1', port },
    cause: { code: 'EADDRINUSE' },
  });
  other.close();
});

test('connections that cannot be taken do not end the process', async () => {
  const door = await openDoor();
  const error = new Error('accept EMFILE');
  for (let times = 0; times < 3; times++)
    expect(() => door.server.emit('error', error)).not.toThrow();
  door.serve((_, response) => void response.end('here'));
  expect((await ask(urlOf(door), '/')).text).toBe('here');
});

test('a stop lets what is under way end, and then closes', async () => {
  const door = await openDoor();
  const underWay: ServerResponse[] = [];
  door.serve((_, response) => void underWay.push(response));
  const answer = ask(urlOf(door), '/');
  await eventually(() => underWay.length === 1);
  const stopped = door.stop();
  expect(door.stopping.aborted).toBe(true);
  underWay[0]!.end('done');
  expect((await answer).text).toBe('done');
  await stopped;
  expect(door.server.listening).toBe(false);
});

test('what does not end in time is broken off', async () => {
  const clock = new FakeClock();
  const door = await openDoor(clock);
  let asked = 0;
  door.serve((_, response) => {
    asked++;
    response.write('a part');
  });
  const answer = ask(urlOf(door), '/').catch(() => 'broken off');
  await eventually(() => asked === 1);
  const stopped = door.stop();
  clock.advance(adminLimits.stopGraceMs);
  await stopped;
  expect(await answer).toBe('broken off');
});

test('connections that are too many are closed', async () => {
  const door = await openDoor();
  door.serve((_, response) => void response.end('here'));
  const some = await Promise.all(
    Array.from({ length: adminLimits.adminConnectionsMax + 5 }, () => raw(door, '')),
  );
  await eventually(() => some.filter(isClosed).length === 5);
  expect(await connections(door)).toBe(adminLimits.adminConnectionsMax);
  for (const socket of some) socket.destroy();
});

test('the times that slow callers have are set', async () => {
  const { server } = await openDoor();
  expect(server).toMatchObject({
    headersTimeout: adminLimits.headMsMax,
    requestTimeout: adminLimits.requestMsMax,
    keepAliveTimeout: adminLimits.keepAliveMs,
    timeout: adminLimits.idleMs,
    maxHeadersCount: adminLimits.headersMax,
  });
});

function connections({ server }: AdminDoor): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
