import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { runKcat } from './kcat';

const timeoutMs = 2_000;
/** It takes connections, and never says a word. */
let mute: Server;
const sockets: Socket[] = [];

beforeAll(async () => {
  mute = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(
    0,
    '127.0.0.1',
  );
  await once(mute, 'listening');
});

afterAll(() => {
  for (const socket of sockets) socket.destroy();
  mute.close();
});

describe('a run of kcat', () => {
  it('that takes too long has failed, although kcat ends well when it is asked to', async () => {
    const { port } = mute.address() as AddressInfo;
    const run = runKcat(port, ['-P', '-t', 'unheard'], 'a record\n', timeoutMs);
    await expect(run).rejects.toThrow('SIGKILL');
  });
});
