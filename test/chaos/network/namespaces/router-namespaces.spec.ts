import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '../../../support/eventually';
import { run } from './commands';
import { removeLeftovers } from './leftovers';
import { RoutedLine } from './routed-line';
import { Router, type Node } from './router';
import { Shaper } from './shaper';

const port = 7_000;
/** Sends everything back, and says what it has got. */
const echo = `
  require('node:net').createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => { process.stdout.write(bytes); socket.write(bytes); });
  }).listen(${port}, process.argv[1], () => process.send('listens'));
`;

let router: Router;
const processes: ChildProcess[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  router = await Router.open();
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const one of processes.splice(0)) one.kill('SIGKILL');
});

afterAll(() => router.close());

async function server(): Promise<Node & { arrived: string }> {
  const node = { ...(await router.add('echo')), arrived: '' };
  const [program, ...args] = [...node.prefix, process.execPath, '-e', echo, node.host];
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  processes.push(child);
  child.stdout!.on('data', (text) => (node.arrived += String(text)));
  await once(child, 'message');
  return node;
}

/** A connection from outside, whether it is made or not, and what it has got. */
function client({ host }: Node) {
  const socket = connect({ host, port });
  sockets.push(socket);
  const seen = { socket, text: '', isConnected: false, isClosed: false };
  socket.on('error', () => undefined);
  socket.on('close', () => (seen.isClosed = true));
  socket.on('connect', () => (seen.isConnected = true));
  socket.on('data', (bytes) => (seen.text += String(bytes)));
  return seen;
}

async function echoed(one: { socket: Socket; text: string }, text: string): Promise<void> {
  const before = one.text.length;
  one.socket.write(text);
  await eventually(() => one.text.slice(before) === text);
}

describe('a network of namespaces', () => {
  it('passes everything on, also from one node to the other', async () => {
    const [one, other] = [await server(), await server()];
    await echoed(client(one), 'hello');
    const dial = `require('node:net').connect(${port}, '${other.host}').end('from a node')`;
    await run([...one.prefix, process.execPath, '-e', dial]);
    await eventually(() => other.arrived === 'from a node');
  });

  it('drops in silence what one sends another, and nothing else', async () => {
    const [cut, whole] = [await server(), await server()];
    const [old, other] = [client(cut), client(whole)];
    await echoed(old, 'first ');
    const line = new RoutedLine(router, { from: router.outside, to: cut.host });
    await line.set({ kind: 'silent' });
    const fresh = client(cut);
    old.socket.write('late');
    await echoed(other, 'what is sent later, elsewhere');
    expect([cut.arrived, fresh.isConnected, fresh.isClosed]).toEqual(['first ', false, false]);
    await line.set(null);
    await eventually(() => old.text === 'first late' && fresh.isConnected);
    expect(old.isClosed).toBe(false);
  });

  it('lets requests through and no answers', async () => {
    const node = await server();
    const one = client(node);
    await echoed(one, 'first ');
    const line = new RoutedLine(router, { from: router.outside, to: node.host });
    await line.set({ kind: 'no-replies' });
    one.socket.write('second');
    await eventually(() => node.arrived === 'first second');
    expect(one.text).toBe('first ');
    await line.set(null);
    await eventually(() => one.text === 'first second');
  });

  it('cuts a node off from everybody, and may be cut twice', async () => {
    const node = await server();
    const one = client(node);
    await echoed(one, 'first ');
    const all = new RoutedLine(router, { from: null, to: node.host });
    const clients = new RoutedLine(router, { from: router.outside, to: node.host });
    await all.set({ kind: 'silent' });
    await clients.set({ kind: 'silent' });
    await all.set(null);
    one.socket.write('late');
    await echoed(client(await server()), 'what is sent later, elsewhere');
    expect(node.arrived).toBe('first ');
    await clients.set(null);
    await eventually(() => one.text === 'first late');
  });

  it.each([
    { kind: 'slow', delayMs: 5, jitterMs: 5 },
    { kind: 'lossy', share: 0.1 },
    { kind: 'narrow', kilobitsPerSecond: 500 },
  ] as const)('is $kind and gets everything through, or says what is missing', async (trouble) => {
    const node = await server();
    const shaper = await Shaper.open(router, node);
    const line = new RoutedLine(router, { from: null, to: node.host }, { node, shaper });
    const why = line.whyNot(trouble.kind);
    if (why !== null) {
      expect(why).toContain('the kernel has no ');
      return;
    }
    await line.set(trouble);
    const [namespaces, table] = await Promise.all([
      Promise.all(node.ends.map(({ namespace }) => run(['tc', '-n', namespace, 'qdisc']))),
      run(['ip', 'netns', 'exec', router.namespace, 'nft', 'list', 'ruleset']).catch(() => ''),
    ]);
    expect(`${namespaces.join('')}${table}`).toMatch(/netem|tbf|numgen/);
    await echoed(client(node), 'much '.repeat(2_000));
    await line.set(null);
    await echoed(client(node), 'whole');
  });

  it('leaves nothing', async () => {
    const other = await Router.open();
    const node = await other.add('server');
    await other.close();
    const listed = await run(['ip', 'netns', 'list']);
    expect(listed).not.toContain(node.namespace);
    expect(listed).not.toContain(other.namespace);
    const subnet = other.outside.split('.').slice(0, 3).join('.');
    expect(await run(['ip', 'address'])).not.toContain(subnet);
  });

  it('begins by deleting what killed runs have left, and nothing of those that live', async () => {
    const { pid: dead } = spawnSync('true');
    const [left, living] = [`sluice-chaos-${dead}-0-x`, `sluice-chaos-${process.ppid}-0-x`];
    for (const name of [left, living]) await run(['ip', 'netns', 'add', name]);
    try {
      await removeLeftovers();
      const listed = (await run(['ip', 'netns', 'list'])).split(/\s/);
      expect([listed.includes(left), listed.includes(living)]).toEqual([false, true]);
      expect(listed).toContain(router.namespace);
    } finally {
      await run(['ip', 'netns', 'delete', living]);
    }
  });
});
