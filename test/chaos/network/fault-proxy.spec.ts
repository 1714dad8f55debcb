import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '../../support/eventually';
import { SeededRandom } from '../seeded-random';
import { FaultProxy } from './fault-proxy';

let server: Server;
let proxy: FaultProxy;
/** What the server has got, of all connections. */
let arrived: string;
const sockets: Socket[] = [];

beforeEach(async () => {
  arrived = '';
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      arrived += String(bytes);
      socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  proxy = new FaultProxy({ host: '127.0.0.1', port }, new SeededRandom(1));
  await proxy.start();
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await proxy.stop();
  await new Promise((resolve) => server.close(resolve));
});

/** A client, with what it has got; `closed` resolves with that when its connection ends. */
async function client() {
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  sockets.push(socket);
  const seen = { socket, text: '' };
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => (seen.text += String(bytes)));
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  return Object.assign(seen, { closed });
}

async function echoed(one: { socket: Socket; text: string }, text: string): Promise<void> {
  const before = one.text.length;
  one.socket.write(text);
  await eventually(() => one.text.slice(before) === text);
}

const inCapitals = (bytes: Buffer) => Buffer.from(String(bytes).toUpperCase());

describe('a network', () => {
  it('passes everything on', async () => {
    const one = await client();
    await echoed(one, 'hello');
    await echoed(one, 'again');
  });

  it('loses replies after their requests have arrived', async () => {
    const one = await client();
    await echoed(one, 'first ');
    proxy.set({ kind: 'lost-replies', share: 1 });
    one.socket.write('second');
    await one.closed;
    expect(arrived).toBe('first second');
    expect(one.text).toBe('first ');
  });

  it('loses requests before they arrive', async () => {
    const one = await client();
    await echoed(one, 'first ');
    proxy.set({ kind: 'lost-requests', share: 1 });
    one.socket.write('second');
    await one.closed;
    expect(arrived).toBe('first ');
  });

  it('keeps the order while it is slow, and when it is slow no more', async () => {
    const one = await client();
    proxy.set({ kind: 'slow', delayMs: 20, jitterMs: 60 });
    const numbers = Array.from({ length: 30 }, (_, n) => `${n} `);
    for (const [at, number] of numbers.entries()) {
      if (at === 20) proxy.set(null);
      one.socket.write(number);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => one.text === numbers.join(''));
  });

  it('is silent, and then lets everything through', async () => {
    const one = await client();
    await echoed(one, 'first ');
    proxy.set({ kind: 'silent' });
    const other = await client();
    for (const { socket } of [one, other]) socket.write('late');
    expect(arrived).toBe('first ');
    proxy.set(null);
    await eventually(() => one.text === 'first late' && other.text === 'late');
  });

  it('has trouble with those who come from one address alone', async () => {
    const one = await client();
    proxy.set({ kind: 'silent' }, '127.0.0.99');
    await echoed(one, 'others ');
    proxy.set({ kind: 'silent' }, '127.0.0.1');
    one.socket.write('late');
    proxy.set({ kind: 'cut' }, '127.0.0.99');
    await eventually(() => one.text === 'others late');
    proxy.set({ kind: 'cut' }, '127.0.0.1');
    await one.closed;
  });

  it('changes what a server answers', async () => {
    const { port } = server.address() as AddressInfo;
    const changing = new FaultProxy({ host: '127.0.0.1', port }, new SeededRandom(1), inCapitals);
    const socket = connect({ host: '127.0.0.1', port: await changing.start() });
    sockets.push(socket);
    socket.write('hello');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect([arrived, String(answer)]).toEqual(['hello', 'HELLO']);
    await changing.stop();
  });

  it('is cut, also for those who come, and whole again', async () => {
    const one = await client();
    proxy.set({ kind: 'cut' });
    await one.closed;
    await (
      await client()
    ).closed;
    proxy.set(null);
    await echoed(await client(), 'whole');
  });
});
