import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedisHere } from '@sluice/test/support/redis';
import { freePort } from '@sluice/test/support/redis-local';
import { Kafka, logLevel } from 'kafkajs';
import {
  askApiVersions,
  eventually,
  noteIn,
  processExists,
  sendUnknownRequest,
  startMsMax,
  StartScript,
} from './start-script';

const topic = 'kept';
let directory: string;
let port: number;
let redisPort: number;
const running: StartScript[] = [];

function start(...args: string[]): StartScript {
  const own = ['--port', String(port), '--redis-port', String(redisPort), '--admin-port=0'];
  const script = new StartScript(directory, [...own, ...args]);
  running.push(script);
  return script;
}

/** The gateways that a start has noted. */
function gatewayNotes(): { pid: number }[] {
  return (noteIn(directory, 'sluice.lock')?.gateways ?? []) as { pid: number }[];
}

/** Processes that a start has noted: the gateways, and Redis where it is a process. */
function notedProcesses(): number[] {
  const redis = noteIn(directory, 'redis.json') as { pid?: number } | undefined;
  const pids = [...gatewayNotes().map(({ pid }) => pid), redis?.pid];
  return pids.filter((pid) => pid !== undefined);
}

function redisNote(): { kind: string; pid: number } {
  return noteIn(directory, 'redis.json') as { kind: string; pid: number };
}

async function withKafka<T>(use: (kafka: Kafka) => Promise<T>): Promise<T> {
  const retry = { initialRetryTime: 50, retries: 20 };
  const brokers = [`localhost:${port}`];
  return use(new Kafka({ clientId: 'e2e', brokers, retry, logLevel: logLevel.NOTHING }));
}

function produce(value: string): Promise<void> {
  return withKafka(async (kafka) => {
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, acks: -1, messages: [{ value }] });
    await producer.disconnect();
  });
}

function recordCount(): Promise<number> {
  return withKafka(async (kafka) => {
    const admin = kafka.admin();
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(topic);
    await admin.disconnect();
    return Number(offsets[0]?.high);
  });
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-start-'));
  [port, redisPort] = [await freePort(), await freePort()];
});

afterEach(async () => {
  // The orderly way first, so that no Redis is left behind by a test that failed.
  for (const script of running.splice(0)) await script.end('SIGTERM');
  for (const pid of notedProcesses().filter(processExists)) process.kill(pid, 'SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

jest.setTimeout(2 * startMsMax);

test('says where everything is and answers on IPv4 and IPv6 loopback', async () => {
  const script = await start().ready();
  expect(script.output).toContain(`localhost:${port}`);
  expect(script.output).toContain(directory);
  expect(script.output).toContain(`kcat -b localhost:${port}`);
  const [, admin] = /Admin +(http:\S+)\/v1, described at/.exec(script.output) ?? [];
  await eventually(async () => (await fetch(`${admin}/v1/topics`)).status === 200);
  expect(await askApiVersions(port, '127.0.0.1')).toBe(0);
  expect(await askApiVersions(port)).toBe(0);
});

test('Redis leaves the port to the gateway when both are given the same one', async () => {
  await start('--redis-port', String(port)).ready();
  expect(await askApiVersions(port)).toBe(0);
});

test('a second start beside a running one says so and leaves it alone', async () => {
  const first = await start().ready();
  const second = start();
  expect(await second.ended).toBe(1);
  expect(second.output).toContain(
    `Sluice is already running (pid ${first.pid}, Kafka on port ${port})`,
  );
  expect(await askApiVersions(port)).toBe(0);
});

test('SIGTERM ends all in order with exit code 0, and the next start has the data', async () => {
  const first = await start().ready();
  await produce('before the stop');
  const processes = notedProcesses();
  expect(processes.length).toBeGreaterThan(0);
  expect(await first.end('SIGTERM')).toBe(0);
  expect(processes.filter(processExists)).toEqual([]);
  expect(readdirSync(directory)).not.toContain('sluice.lock');
  await start().ready();
  expect(await recordCount()).toBe(1);
});

test('after kill -9 the next start cleans up, and has what was acknowledged', async () => {
  const first = await start().ready();
  await produce('before the kill');
  const processes = notedProcesses();
  expect(await first.end('SIGKILL')).toBe('SIGKILL');
  await start().ready();
  expect(processes.filter(processExists)).toEqual([]);
  expect(await recordCount()).toBe(1);
  await produce('after it');
  expect(await recordCount()).toBe(2);
});

test('three brokers on ports in a row; one that dies is started again, and all end', async () => {
  const adminPort = (await freePort()) + 20;
  const script = await start('--brokers', '3', '--admin-port', String(adminPort)).ready();
  for (const at of [0, 1, 2]) {
    expect(await askApiVersions(port + at)).toBe(0);
    expect(script.output).toContain(`Broker ${at + 1}  localhost:${port + at}, admin http:`);
    expect((await fetch(`http://localhost:${adminPort + at}/v1/cluster`)).status).toBe(200);
  }
  const second = gatewayNotes()[1]!;
  process.kill(second.pid, 'SIGKILL');
  await eventually(() => script.output.includes(`broker 2 is back on port ${port + 1}`));
  expect(script.output).toContain('broker 2 ended (SIGKILL); the others go on');
  expect(script.output).toMatch(/^\[3\] .*listening for Kafka clients/m);
  expect(await askApiVersions(port + 1)).toBe(0);
  await produce('through any of them');
  expect(await recordCount()).toBe(1);
  const processes = notedProcesses();
  expect(processes).toHaveLength(4);
  expect(await script.end('SIGINT')).toBe(0);
  expect(processes.filter(processExists)).toEqual([]);
});

test('one that dies is started again on its port, though any port was good at first', async () => {
  const script = await start('--brokers', '2', '--port', '0', '--admin-port', '0').ready();
  const [, portBefore, adminBefore] = /Broker 2 {2}localhost:(\d+), admin .*:(\d+)/.exec(
    script.output,
  )!;
  process.kill(gatewayNotes()[1]!.pid, 'SIGKILL');
  await eventually(() => /broker 2 is back on port \d+\n/.test(script.output));
  expect(script.output).toContain(`broker 2 is back on port ${portBefore}\n`);
  expect((await fetch(`http://localhost:${adminBefore}/v1/cluster`)).status).toBe(200);
  expect(await script.end('SIGINT')).toBe(0);
});

test('brokers on a given Redis that all die at once are started again', async () => {
  const redis = await startRedisHere();
  try {
    const script = await start('--brokers', '2', '--redis-url', redis.url).ready();
    for (const { pid } of gatewayNotes()) process.kill(pid, 'SIGKILL');
    const isBack = (at: number) => {
      return script.output.includes(`broker ${at + 1} is back on port ${port + at}`);
    };
    await Promise.race([eventually(() => isBack(0) && isBack(1)), script.ended]);
    expect(script.output).toContain('broker 1 is back');
    expect(script.output).toContain('broker 2 is back');
    expect(await script.end('SIGINT')).toBe(0);
  } finally {
    await redis.stop();
  }
});

test('a gateway that crashes ends at once, and so does the start', async () => {
  const script = await start().ready();
  const [gateway] = gatewayNotes();
  process.kill(gateway!.pid, 'SIGFPE');
  expect(await script.ended).toBe(1);
  expect(script.output).toContain('the gateway ended (SIGFPE)');
  // What runs after such a signal cannot be relied on.
  expect(script.output).not.toContain('answering what is under way');
});

test('a Redis that dies is started again, and the gateway goes on', async () => {
  const script = await start().ready();
  await produce('before');
  const redis = redisNote();
  // In a container the engine restarts it, which is the engine's to test.
  if (redis.kind === 'process') process.kill(redis.pid, 'SIGKILL');
  await produce('after');
  expect(await recordCount()).toBe(2);
  expect(await script.end('SIGINT')).toBe(0);
});

test('a Redis that dies over and over is given up, with exit code 1', async () => {
  const script = await start().ready();
  // In a container the engine counts.
  if (redisNote().kind !== 'process') return;
  let killed = 0;
  await eventually(() => {
    const { pid } = redisNote();
    if (pid !== killed && processExists(pid)) process.kill((killed = pid), 'SIGKILL');
    return script.output.includes('is given up');
  });
  expect(await script.ended).toBe(1);
});

test('when the gateway dies, Redis is stopped and the exit code is 1', async () => {
  const script = await start().ready();
  const processes = notedProcesses();
  process.kill(processes[0]!, 'SIGKILL');
  expect(await script.ended).toBe(1);
  expect(script.output).toContain('the gateway ended (SIGKILL)');
  await eventually(() => processes.filter(processExists).length === 0);
});

test('the gateway goes on, and ends in order, when nobody reads its log any more', async () => {
  // At this level each closed connection has a line.
  const script = await start('--log-level', 'debug').ready();
  await sendUnknownRequest(port);
  await eventually(() => script.output.includes('unknown API key'));
  script.closeOutput();
  for (let line = 0; line < 3; line++) await sendUnknownRequest(port);
  expect(await askApiVersions(port)).toBe(0);
  expect(await script.end('SIGTERM')).toBe(0);
});

describe('without starting anything', () => {
  let other: Server | undefined;

  afterEach(() => other?.close());

  test('a port that is taken is named, with the flag for another', async () => {
    other = createServer().listen(port, '::');
    const script = start();
    expect(await script.ended).toBe(1);
    expect(script.output).toContain(`port ${port} is in use by another program`);
    expect(script.output).toContain(`--port ${port + 1}`);
    expect(existsSync(join(directory, 'redis.json'))).toBe(false);
  });

  test('an admin port that is taken is named, with the flag for another', async () => {
    other = createServer().listen(port, '127.0.0.1');
    const script = start('--port', '0', '--admin-port', String(port));
    expect(await script.ended).toBe(1);
    expect(script.output).toContain(`port ${port} is in use by another program`);
    expect(script.output).toContain(`--admin-port ${port + 1}`);
    expect(existsSync(join(directory, 'redis.json'))).toBe(false);
  });

  test('a port of a row that is taken is named', async () => {
    other = createServer().listen(port + 2, '::');
    const script = start('--brokers', '3');
    expect(await script.ended).toBe(1);
    expect(script.output).toContain(`port ${port + 2} is in use by another program`);
    expect(script.output).toContain(`--port ${port + 3} --brokers 3`);
  });

  test('the port that is advised in its place begins a row that is free', async () => {
    other = createServer().listen(port, '::');
    const another = createServer().listen(port + 2, '::');
    try {
      const script = start('--brokers', '2');
      expect(await script.ended).toBe(1);
      expect(script.output).toContain(`port ${port} is in use by another program`);
      expect(script.output).toContain(`--port ${port + 3} --brokers 2`);
    } finally {
      another.close();
    }
  });

  test('rows of ports that meet, or that end beyond the last port, are refused', async () => {
    const meeting = start('--brokers', '3', '--admin-port', String(port + 2));
    expect(await meeting.ended).toBe(1);
    expect(meeting.output).toContain(`port ${port + 2} would be both for Kafka`);
    const beyond = start('--brokers', '3', '--port', '65534');
    expect(await beyond.ended).toBe(1);
    expect(beyond.output).toContain('3 ports in a row would end at 65536');
  });

  test('a number of brokers that cannot be is refused', async () => {
    const script = start('--brokers', '0');
    expect(await script.ended).toBe(1);
    expect(script.output).toContain("--brokers is '0', which must be a whole number from 1 to 9");
  });

  test('a data directory that cannot be made is named', async () => {
    directory = '/proc/sluice/data';
    const script = start();
    expect(await script.ended).toBe(1);
    expect(script.output).toContain('cannot use the data directory');
    expect(script.output).toContain("'/proc/sluice'");
    directory = mkdtempSync(join(tmpdir(), 'sluice-start-'));
  });

  test('a wrong flag is refused, with what was probably meant', async () => {
    const script = start('--advertised-hots', 'x');
    expect(await script.ended).toBe(1);
    expect(script.output).toContain(
      '--advertised-hots is not a flag of Sluice; did you mean --advertised-host?',
    );
    expect(readdirSync(directory)).toEqual([]);
  });

  test('an address that the machine lacks is named, and no other port is advised', async () => {
    const script = start('--host', '192.0.2.1');
    expect(await script.ended).toBe(1);
    expect(script.output).toContain('this machine has no address 192.0.2.1');
    expect(script.output).toContain('--host');
    expect(script.output).not.toContain('--port');
  });

  test('a Redis URL that cannot be read is refused without showing its password', async () => {
    const script = start('--redis-url', 'redis://:sec/ret@127.0.0.1:6379');
    expect(await script.ended).toBe(1);
    expect(script.output).toMatch(/^sluice: --redis-url cannot be read\. .*percent-encoded\n$/);
  });

  test('--help lists the settings', async () => {
    const script = start('--help');
    expect(await script.ended).toBe(0);
    expect(script.output).toContain('SLUICE_PORT');
    expect(readdirSync(directory)).toEqual([]);
  });
});
