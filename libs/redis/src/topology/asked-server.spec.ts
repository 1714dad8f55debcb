import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { AskedServer } from './asked-server';

let server: Server;
const sockets: Socket[] = [];

/** Answers each command alike. */
beforeEach(async () => {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (data) => {
      for (const _ of data.toString().matchAll(/^\*\d+\r$/gm)) socket.write('+OK\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

it('is connected to once for many questions, and never again once it is closed', async () => {
  const { port } = server.address() as AddressInfo;
  const terms = { username: undefined, password: undefined, tls: undefined };
  const asked = new AskedServer({ host: '127.0.0.1', port }, terms);
  expect(await asked.ask('ROLE')).toBe('OK');
  expect(await asked.ask('ROLE')).toBe('OK');
  await asked.close();
  await expect(asked.ask('ROLE')).rejects.toThrow('not asked any more');
  expect(sockets).toHaveLength(1);
});
