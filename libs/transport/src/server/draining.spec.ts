import { Controller, Injectable, Module, type OnModuleDestroy, type Type } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { silentLogger } from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import { StreamHandler } from '../decorators/stream-handler';
import { MemoryStreams } from '../test-kit/memory-streams';
import { gate, startService, stopServices } from '../../test/service';
import { StreamsServer } from './streams-server';

let calls: string[] = [];
let gates: ReturnType<typeof gate>;

beforeEach(() => {
  calls = [];
  gates = gate();
});
afterEach(stopServices);

/** Its pool is gone with `onModuleDestroy`, as those of databases are. */
@Injectable()
class Pool implements OnModuleDestroy {
  onModuleDestroy(): void {
    calls.push('pool closed');
  }
}

@Controller()
class Orders {
  constructor(private readonly pool: Pool) {}

  @StreamHandler('orders')
  async take(@Payload() id: number): Promise<void> {
    calls.push(`${id} begins`);
    await gates.opened;
    calls.push(this.pool === undefined ? 'lost' : `${id} ends`);
  }
}

const serverOn = (streams: MemoryStreams, drainTimeoutMs = 60_000) =>
  new StreamsServer({ driver: streams, group: 'billing', log: silentLogger, drainTimeoutMs });

/** A server as a module provides it: its hooks are called as those of every provider. */
function moduleWith(server: StreamsServer) {
  @Module({ providers: [{ provide: StreamsServer, useValue: server }] })
  class Streams {}
  return Test.createTestingModule({ imports: [Streams], controllers: [Orders], providers: [Pool] });
}

async function finishedInOrder(close: () => Promise<unknown>, streams: MemoryStreams) {
  for (const id of [1, 2, 3]) streams.write('orders', id);
  await eventually(() => calls.length > 0);
  const closed = close();
  await new Promise((resolve) => setImmediate(resolve));
  gates.open();
  await closed;
  const before = [...calls];
  const { streams: same } = await startService([Orders], { streams, providers: [Pool] });
  await same.settled();
  return { before, after: calls.slice(before.length) };
}

describe('the end of a service', () => {
  it('waits for what runs, begins nothing, and repeats nothing: close()', async () => {
    const streams = new MemoryStreams({ partitions: 1 });
    const server = serverOn(streams);
    const module = await moduleWith(server).compile();
    const app = module.createNestMicroservice({ strategy: server, logger: false });
    await app.listen();
    const { before, after } = await finishedInOrder(() => app.close(), streams);
    expect(before).toEqual(['1 begins', '1 ends', 'pool closed']);
    expect(after).toEqual(['2 begins', '2 ends', '3 begins', '3 ends']);
  });

  it('is the same in a hybrid app, whose providers end before its transports', async () => {
    const streams = new MemoryStreams({ partitions: 1 });
    const server = serverOn(streams);
    const app = (await moduleWith(server).compile()).createNestApplication({ logger: false });
    app.connectMicroservice({ strategy: server }, { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.init();
    const { before, after } = await finishedInOrder(() => app.close(), streams);
    expect(before.slice(0, 2)).toEqual(['1 begins', expect.stringMatching(/1 ends|pool closed/)]);
    expect(before).toContain('1 ends');
    expect(after).toEqual(['2 begins', '2 ends', '3 begins', '3 ends']);
  });

  it('is bounded: what hangs is another’s then', async () => {
    const streams = new MemoryStreams({ partitions: 1 });
    const server = serverOn(streams, 20);
    const module = await moduleWith(server).compile();
    const app = module.createNestMicroservice({ strategy: server, logger: false });
    await app.listen();
    streams.write('orders', 1);
    await eventually(() => calls.length > 0);
    await Promise.all([app.close(), server.close(), server.close()]);
    expect(calls).toEqual(['1 begins', 'pool closed']);
    const other = await startService([Orders], { streams, providers: [Pool] });
    await eventually(() => calls.length > 2);
    expect(calls.at(-1)).toBe('1 begins');
    gates.open();
    await other.streams.settled();
  });

  it('does not wait for a Redis that does not come', async () => {
    class Away extends MemoryStreams {
      connect(): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    const server = serverOn(new Away());
    const told: unknown[] = [];
    const listening = server.listen((error) => told.push(error));
    await server.close();
    await listening;
    expect(told).toEqual([undefined]);
    expect(server.health().status).toBe('stopped');
  });

  it('may come before the beginning, or meanwhile', async () => {
    const server = serverOn(new MemoryStreams());
    const told: unknown[] = [];
    const listening = server.listen((error) => told.push(error));
    await server.close();
    await listening;
    expect(told).toEqual([undefined]);
    expect(server.health().status).toBe('stopped');
    const other = serverOn(new MemoryStreams());
    await other.close();
    await other.listen((error) => told.push((error as Error).message));
    expect(told[1]).toMatch(/was closed/);
  });
});

describe('nothing is repeated and nothing lost after the end', () => {
  const seen: number[] = [];
  let slow: ReturnType<typeof gate>;

  beforeEach(() => {
    seen.length = 0;
    slow = gate();
  });

  async function stoppedAt(controller: Type, isReady: () => boolean): Promise<MemoryStreams> {
    const streams = new MemoryStreams({ partitions: 1 });
    for (let id = 0; id < 40; id++) streams.write('orders', id, { key: `key-${id % 10}` });
    const { app } = await startService([controller], { streams });
    await eventually(isReady);
    const closed = app.close();
    await new Promise((resolve) => setImmediate(resolve));
    slow.open();
    await closed;
    return streams;
  }

  it('with lanes, of which one was slow', async () => {
    @Controller()
    class Lanes {
      @StreamHandler('orders', { concurrency: 4 })
      async take(@Payload() id: number): Promise<void> {
        if (id === 0) await slow.opened;
        seen.push(id);
      }
    }
    const streams = await stoppedAt(Lanes, () => seen.length > 10);
    await startService([Lanes], { streams });
    await streams.settled();
    expect(seen.sort((one, other) => one - other)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  it('with delivery at most once, of what was acknowledged already', async () => {
    @Controller()
    class Once {
      @StreamHandler('orders', { delivery: 'at-most-once' })
      async take(@Payload() id: number): Promise<void> {
        if (id === 0) begun = true;
        await slow.opened;
        seen.push(id);
      }
    }
    let begun = false;
    const streams = await stoppedAt(Once, () => begun);
    await startService([Once], { streams });
    await streams.settled();
    await eventually(() => seen.length >= 40);
    expect(seen).toEqual(Array.from({ length: 40 }, (_, id) => id));
  });
});

describe('what a server tells', () => {
  @Controller()
  class Sums {
    @MessagePattern('sum')
    sum(@Payload() summands: number[]): number {
      return summands.length;
    }
  }

  it('is a status, and events that may be asked for before it listens', async () => {
    const streams = new MemoryStreams({ partitions: 2 });
    streams.createTopic('sum');
    const server = serverOn(streams);
    const events: unknown[] = [];
    const statuses: string[] = [];
    server.status.subscribe((status) => void statuses.push(status));
    server.on('assigned', (group, [one]) => events.push([group, one]));
    server.on('status', () => {
      throw new Error('a listener that fails disturbs nobody');
    });
    expect(() => server.unwrap()).toThrow(/does not listen/);
    const module = await Test.createTestingModule({ controllers: [Sums] }).compile();
    const app = module.createNestMicroservice({ strategy: server, logger: false });
    await app.listen();
    expect(server.unwrap()).toHaveLength(1);
    await app.close();
    expect(events).toEqual([
      ['billing', { topic: 'sum', partition: 0 }],
      ['billing', { topic: 'sum', partition: 1 }],
    ]);
    expect(statuses).toEqual(['connected', 'draining', 'stopped']);
  });

  it('reaches Nest’s hooks, the end exactly once, also around what fails', async () => {
    const told: string[] = [];
    @Controller()
    class Orders {
      @StreamHandler('orders', { retry: false })
      take(@Payload() id: number): void {
        told.push(`handler ${id}`);
        if (id === 2) throw new Error('no');
      }
    }
    const streams = new MemoryStreams({ partitions: 1 });
    const server = serverOn(streams);
    // Like instrumentations do, it drops what `done` returns.
    server.setOnProcessingStartHook((_id, _context, done) => {
      told.push('start');
      void done();
    });
    server.setOnProcessingEndHook(() => void told.push('end'));
    const module = await Test.createTestingModule({ controllers: [Orders] }).compile();
    const app = module.createNestMicroservice({ strategy: server, logger: false });
    await app.listen();
    streams.write('orders', 1);
    streams.write('orders', 2);
    await streams.settled();
    await app.close();
    expect(told).toEqual(['start', 'handler 1', 'end', 'start', 'handler 2', 'end']);
  });
});
