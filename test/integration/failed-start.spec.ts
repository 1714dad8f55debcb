import { connect } from 'node:net';
import { Lifecycle, silentLogger, systemClock, type Part } from '@sluice/base';
import { startBroker, type StartBrokerOptions } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { sharedRedis, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { freePort } from '@sluice/test/support/redis-local';
import { Redis } from 'ioredis';

let redis: TestRedis;
let observer: Redis;

beforeAll(async () => {
  redis = await sharedRedis();
  observer = new Redis(redis.adminUrl);
});

afterAll(async () => {
  await observer.quit();
  await redis.stop();
});

/** Fails behind the start of the part with a name, as if its last step had. */
class FailingLifecycle extends Lifecycle {
  readonly names: string[] = [];

  constructor(private readonly failing: string | undefined) {
    super({ clock: systemClock, log: silentLogger });
  }

  override own(part: Part): () => void {
    this.names.push(part.name);
    if (part.name !== this.failing) return super.own(part);
    if (part.start === undefined) {
      super.own(part);
      throw new Error(`${part.name} fails`);
    }
    const start = async () => {
      await part.start?.();
      throw new Error(`${part.name} fails`);
    };
    return super.own({ ...part, start });
  }
}

/** The connections that gateways have to a server. */
async function connectionsTo(server: Redis): Promise<string[]> {
  const list = (await server.client('LIST')) as string;
  return list.match(/name=sluice-\w+/g) ?? [];
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Sockets of this process, which a start that has failed must not add to. */
function socketCount(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')).length;
}

async function failsAndLeavesNothing(options: StartBrokerOptions, reason: RegExp): Promise<void> {
  const port = await freePort();
  const before = socketCount();
  await expect(startBroker({ ...options, port })).rejects.toThrow(reason);
  expect(await listens(port)).toBe(false);
  await eventually(() => socketCount() <= before);
}

/** The parts of a gateway, as a start that works hands them over. */
const partNames = [
  'the connections to Redis',
  'the history of the log',
  'the topics',
  'the consumer groups',
  'the Kafka listener',
  'the housekeeping',
  'the admin port',
];
/** What comes when the start is through. */
const laterNames = ['the admin endpoints'];

test('these are the parts of a gateway', async () => {
  const lifecycle = new FailingLifecycle(undefined);
  const { stop } = await startBroker({ lifecycle, admin: true });
  expect([...lifecycle.names].sort()).toEqual([...partNames, ...laterNames].sort());
  await stop();
});

test.each([...partNames, ...laterNames])(
  'when the start of %s fails, nothing is left',
  async (failing) => {
    const lifecycle = new FailingLifecycle(failing);
    await failsAndLeavesNothing({ lifecycle, admin: true }, new RegExp(`${failing} fails`));
    expect(await connectionsTo(observer)).toEqual([]);
  },
);

test('when the new Redis is full, nothing is left', async () => {
  const full = await startRedis({ args: ['--maxmemory', '1'] });
  const client = new Redis(full.adminUrl);
  await failsAndLeavesNothing({ redis: full }, /OOM|memory/);
  expect(await connectionsTo(client)).toEqual([]);
  await client.quit();
  await full.stop();
});
