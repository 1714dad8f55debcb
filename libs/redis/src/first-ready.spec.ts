import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { silentLogger, systemClock } from '@sluice/base';
import { closeConnection, openConnection } from './connection';
import { firstReady } from './first-ready';
import { resolveOptions } from './options';
import type { Place } from './topology/place';

const url = 'redis+sentinel://127.0.0.1:26379/main';

/** Takes connections, and says nothing. */
let server: Server;
const sockets: Socket[] = [];

beforeAll(async () => {
  server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

it('names the server that does not answer, where there are several', async () => {
  const { port } = server.address() as AddressInfo;
  const place: Place = {
    locate: () => Promise.resolve({ host: '127.0.0.1', port }),
    follow: () => () => undefined,
  };
  const options = resolveOptions({ url, connectTimeoutMs: 200, commandStallMs: 200 });
  const connection = openConnection(options, 'write', silentLogger, { place });
  const deps = { log: silentLogger, clock: systemClock, signal: new AbortController().signal };
  try {
    await expect(firstReady(connection, options, deps)).rejects.toMatchObject({
      problem: 'unreachable',
      message: expect.stringMatching(
        new RegExp(`^The server 127\\.0\\.0\\.1:${port} of Redis at .*main cannot be reached: `),
      ) as string,
    });
  } finally {
    await closeConnection(connection.redis);
  }
});
