import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { silentLogger } from '@sluice/base';
import type { StreamContext } from '../context/stream-context';
import { StreamHandler } from '../decorators/stream-handler';
import { policyOf } from '../handlers/policy';
import { topicPattern, type Route } from '../handlers/routes';
import type { StreamHandlerOptions } from '../handlers/options';
import { MemoryStreams } from '../test-kit/memory-streams';
import { drainFirst } from './connect-streams';
import { membersOf } from './group-members';
import { StreamsServer } from './streams-server';

const audit = Symbol.for('audit');
let calls: string[] = [];

beforeEach(() => void (calls = []));

@Controller()
class Orders {
  @StreamHandler('orders')
  take(@Payload() id: number, @Ctx() context: StreamContext): void {
    calls.push(`orders ${id} ${context.getGroup()}`);
  }

  @StreamHandler('orders', { transport: audit })
  look(@Payload() id: number, @Ctx() context: StreamContext): void {
    calls.push(`audit ${id} ${context.getGroup()}`);
  }
}

describe('two servers in one app', () => {
  it('have handlers of their own', async () => {
    const streams = new MemoryStreams({ partitions: 1 });
    const common = { driver: streams, log: silentLogger };
    const first = new StreamsServer({ ...common, group: 'billing' });
    const second = new StreamsServer({ ...common, group: 'auditors', transportId: audit });
    const module = await Test.createTestingModule({ controllers: [Orders] }).compile();
    const app = module.createNestApplication({ logger: false });
    app.connectMicroservice({ strategy: first });
    app.connectMicroservice({ strategy: second });
    await app.startAllMicroservices();
    streams.write('orders', 1);
    await streams.settled();
    await app.close();
    expect(calls.sort()).toEqual(['audit 1 auditors', 'orders 1 billing']);
  });
});

describe('drainFirst', () => {
  it('ends a server first, and does nothing where Nest ends in another way', async () => {
    const told: string[] = [];
    const server = { close: async () => void told.push('server') };
    const app = { callDestroyHook: async () => void told.push('hooks') };
    drainFirst(app as never, server);
    await app.callDestroyHook();
    expect(told).toEqual(['server', 'hooks']);
    const other = {};
    drainFirst(other as never, server);
    expect(other).toEqual({});
  });

  it('meets the method by which Nest ends an app', async () => {
    const module = await Test.createTestingModule({}).compile();
    const app = module.createNestApplication({ logger: false });
    const told: string[] = [];
    drainFirst(app, { close: async () => void told.push('server') });
    await app.close();
    expect(told).toEqual(['server']);
  });
});

const route = (pattern: string | RegExp, group: string, options: StreamHandlerOptions = {}) =>
  ({ pattern, group, isEvent: true, policy: policyOf(options, {}, false) }) as Route;

describe('the members that a server has to be', () => {
  it('are one for each group, and more where handlers begin or acknowledge in other ways', () => {
    const members = membersOf([
      route('a', 'g'),
      route('b', 'g', { concurrency: 4, batch: { size: 50 } }),
      route('c', 'g', { startFrom: 'end' }),
      route('d', 'g', { delivery: 'at-most-once' }),
      route('e', 'h'),
    ]);
    expect(
      members.map(({ group, topics, recordsAtOnce }) => [group, topics, recordsAtOnce]),
    ).toEqual([
      ['g', ['a', 'b'], 200],
      ['g', ['c'], 1],
      ['g', ['d'], 1],
      ['h', ['e'], 1],
    ]);
  });

  it('take what is to be tried again from its start, wherever the group begins', () => {
    const [, retrying] = membersOf([
      route('a', 'g', { startFrom: 'end', retry: { attempts: 2, mode: 'topic' } }),
    ]);
    expect(retrying).toMatchObject({ startFrom: 'start', topics: ['a.g.retry'] });
  });

  it('never take their own dead letters and retries by a pattern', () => {
    const pattern = topicPattern(/orders.*/gi);
    const taken = [
      'orders',
      'Orders.de',
      'orders.dlq',
      'orders.g.retry',
      'reorders',
      'orders.dlqs',
    ];
    expect(taken.filter((name) => pattern.test(name))).toEqual([
      'orders',
      'Orders.de',
      'orders.dlqs',
    ]);
  });
});
