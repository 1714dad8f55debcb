import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { startRedis, type TestRedis } from '../support/redis';

const entry = join(__dirname, '../../dist/apps/demo/apps/demo/src/main.js');
const patient = { timeoutMs: 120_000 };

let redis: TestRedis;
let shop: Shop | null = null;

beforeEach(async () => {
  redis = await startRedis();
});

afterEach(async () => {
  await shop?.end('SIGKILL');
  shop = null;
  await redis.stop();
});

interface Order {
  id: string;
  customer: string;
  cents: number;
}

interface Accounts {
  [customer: string]: { cents: number; orders: number };
}

/** The shop as `npm run build` has built it. */
class Shop {
  output = '';
  private constructor(
    private readonly child: ChildProcess,
    readonly ended: Promise<unknown[]>,
    public url = '',
  ) {}

  /** Begun again where its start fails, as Docker Compose does it. */
  static start(): Promise<Shop> {
    return eventually(() => Shop.#start(), patient);
  }

  static async #start(): Promise<Shop> {
    const env = { ...process.env, REDIS_URL: redis.url, SHOP_PORT: '0' };
    const child = fork(entry, { silent: true, env });
    const one = new Shop(child, once(child, 'close'));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (text) => (one.output += String(text)));
    }
    const ready = once(child, 'message') as Promise<[{ url: string }]>;
    const failed = one.ended.then(() => {
      throw new Error(`the shop ended:\n${one.output}`);
    });
    [{ url: one.url }] = await Promise.race([ready, failed]);
    return one;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(this.url + path)).json()) as T;
  }

  async post(order: object): Promise<number> {
    const body = JSON.stringify(order);
    const headers = { 'Content-Type': 'application/json' };
    return (await fetch(`${this.url}/orders`, { method: 'POST', headers, body })).status;
  }
}

/** Orders it until it is accepted, from whichever shop is there. */
function order(one: Order): Promise<true> {
  return eventually(async () => (await shop!.post(one)) === 202, patient);
}

function totalsOf(orders: readonly Order[]): Accounts {
  const accounts: Accounts = {};
  for (const { customer, cents } of orders) {
    const account = (accounts[customer] ??= { cents: 0, orders: 0 });
    account.cents += cents;
    account.orders++;
  }
  return accounts;
}

test('a shop that is killed in the middle charges each order once', async () => {
  shop = await Shop.start();
  const orders: Order[] = Array.from({ length: 80 }, (_, index) => ({
    id: randomUUID(),
    customer: `customer-${index % 7}`,
    cents: 100 + index,
  }));
  await Promise.all(orders.slice(0, 40).map(order));
  await eventually(
    async () => Object.keys(await shop!.get<Accounts>('/totals')).length > 0,
    patient,
  );
  const others = orders.slice(40).map(order);
  await shop.end('SIGKILL');
  shop = await Shop.start();
  await Promise.all(others);
  const accounts = await eventually(async () => {
    const found = await shop!.get<Accounts>('/totals');
    const count = Object.values(found).reduce((sum, one) => sum + one.orders, 0);
    return count >= orders.length && found;
  }, patient);
  expect(accounts).toEqual(totalsOf(orders));
  expect(await shop.get('/totals/customer-1')).toEqual(accounts['customer-1']);
});

test('an order that cannot be charged is a dead letter, and a wrong one is refused', async () => {
  shop = await Shop.start();
  expect(await shop.post({ id: '1', customer: '', cents: 0.5 })).toBe(400);
  const large = { id: randomUUID(), customer: 'carol', cents: 600_000 };
  await order(large);
  const dead = await eventually(async () => {
    const found = await shop!.get<object[]>('/dead-letters');
    return found.length > 0 && found;
  }, patient);
  expect(dead).toEqual([
    { order: large, reason: 'unrecoverable', error: 'the card is not good for it' },
  ]);
  expect(await shop.get('/totals/carol')).toEqual({ cents: 0, orders: 0 });
  await shop.end('SIGTERM');
  shop = null;
});
