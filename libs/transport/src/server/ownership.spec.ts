import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { RecordProducer } from '@sluice/streams';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { eventually } from '@sluice/test/support/eventually';
import type { StreamContext } from '../context/stream-context';
import { StreamHandler } from '../decorators/stream-handler';
import { MemoryStreams } from '../test-kit/memory-streams';
import { fastRetry, gate, startService, stopServices } from '../../test/service';

let calls: string[] = [];

beforeEach(() => void (calls = []));
afterEach(stopServices);

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('lanes', () => {
  it('handle keys side by side, and each key in order', async () => {
    const { opened, open } = gate();
    let running = 0;
    let runningMax = 0;
    const byKey = new Map<string, number[]>();
    @Controller()
    class Orders {
      @StreamHandler('orders', { concurrency: 8, orderedBy: 'key' })
      async take(@Payload() id: number, @Ctx() context: StreamContext): Promise<void> {
        runningMax = Math.max(runningMax, ++running);
        await opened;
        for (let turns = id % 3; turns > 0; turns--) await turn();
        const key = context.getKey()!;
        byKey.set(key, [...(byKey.get(key) ?? []), id]);
        running--;
      }
    }
    const { streams } = await startService([Orders]);
    for (let id = 0; id < 60; id++) streams.write('orders', id, { key: `key-${id % 12}` });
    await turn();
    expect(runningMax).toBeGreaterThan(3);
    open();
    await streams.settled();
    expect(runningMax).toBeLessThanOrEqual(8);
    expect(byKey.size).toBe(12);
    for (const ids of byKey.values()) expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });

  it('of a handler that wants no order are as many workers', async () => {
    const { opened, open } = gate();
    @Controller()
    class Orders {
      @StreamHandler('orders', { concurrency: 4, orderedBy: 'none' })
      async take(@Payload() id: number): Promise<void> {
        calls.push(String(id));
        await opened;
      }
    }
    const { streams } = await startService([Orders]);
    for (let id = 0; id < 10; id++) streams.write('orders', id, { key: 'the same' });
    await turn();
    expect(calls).toEqual(['0', '1', '2', '3']);
    open();
    await streams.settled();
    expect(calls).toHaveLength(10);
  });
});

describe('batches', () => {
  it('hold what is there, up to their size', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders', { batch: { size: 4 } })
      take(@Payload() ids: number[], @Ctx() context: StreamContext): void {
        calls.push(`${ids.join()} of ${context.getRecords().length}`);
      }
    }
    const { streams } = await startService([Orders]);
    for (let id = 0; id < 6; id++) streams.write('orders', id);
    await streams.settled();
    expect(calls).toEqual(['0,1,2,3 of 4', '4,5 of 2']);
  });

  it('lose only what cannot be handled: the others are tried alone', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders', { batch: true })
      take(@Payload() ids: number[]): void {
        if (ids.includes(3)) throw new Error('three is bad');
        calls.push(ids.join());
      }
    }
    const { streams } = await startService([Orders]);
    for (let id = 1; id <= 5; id++) streams.write('orders', id === 5 ? '{"broken' : id);
    await streams.settled();
    expect(calls).toEqual(['1', '2', '4']);
    expect(streams.recordsOf('orders.dlq').map(({ value }) => value!.toString())).toEqual([
      '{"broken',
      '3',
    ]);
  });
});

describe('routing', () => {
  it('goes by the type of an event, and what has no handler is a dead letter', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders', { eventType: 'placed' })
      placed(@Payload() id: number): void {
        calls.push(`placed ${id}`);
      }

      @StreamHandler('orders', { eventType: 'paid' })
      paid(@Payload() id: number): void {
        calls.push(`paid ${id}`);
      }
    }
    const { streams } = await startService([Orders]);
    streams.write('orders', 1, { headers: { 'event-type': 'placed' } });
    streams.write('orders', 2, { headers: { ce_type: 'paid' } });
    streams.write('orders', 3, { headers: { 'event-type': 'returned' } });
    streams.write('orders', 4);
    await streams.settled();
    expect(calls).toEqual(['placed 1', 'paid 2']);
    expect(streams.valuesOf('orders.dlq')).toEqual([3, 4]);
  });

  it('takes patterns for whole names, and never its own dead letters', async () => {
    @Controller()
    class Orders {
      @StreamHandler(/orders(\..+)?/, { retry: false })
      take(@Payload() id: number, @Ctx() context: StreamContext): void {
        calls.push(`${context.getTopic()} ${id}`);
        if (id === 2) throw new Error('no');
      }

      @StreamHandler('orders.special')
      special(): void {
        calls.push('special');
      }
    }
    const { streams } = await startService([Orders]);
    const topics = ['orders', 'orders.de', 'reorders', 'orders.special'];
    for (const topic of topics) streams.write(topic, topic === 'orders.de' ? 2 : 1);
    await streams.settled();
    await turn();
    expect(calls.sort()).toEqual(['orders 1', 'orders.de 2', 'special']);
    expect(streams.recordsOf('orders.de.dlq')).toHaveLength(1);
  });

  it('gives every group every record', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders')
      one(@Ctx() context: StreamContext): void {
        calls.push(context.getGroup());
      }

      @StreamHandler('orders', { group: 'shipping' })
      other(@Ctx() context: StreamContext): void {
        calls.push(context.getGroup());
      }
    }
    const { streams } = await startService([Orders]);
    streams.write('orders', 1);
    await streams.settled();
    expect(calls.sort()).toEqual(['billing', 'shipping']);
  });
});

describe('a partition that is taken away', () => {
  it('aborts the signal, and nothing late is acknowledged', async () => {
    const { opened, open } = gate();
    @Controller()
    class Orders {
      @StreamHandler('orders')
      async take(@Payload() id: number, @Ctx() context: StreamContext): Promise<void> {
        calls.push(`${id} begins${context.mayBeRepeated() ? ' again' : ''}`);
        context.signal.addEventListener('abort', () => void calls.push(`${id} is aborted`));
        if (!context.mayBeRepeated()) await opened;
      }
    }
    const { streams } = await startService([Orders]);
    streams.write('orders', 1);
    await turn();
    streams.expireMembers('billing');
    await streams.settled();
    open();
    await turn();
    expect(calls).toEqual(['1 begins', '1 is aborted', '1 begins again']);
  });
});

describe('a handler that hangs', () => {
  it('is seen in the health, and its attempt fails where it has a limit', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders', { handlerTimeoutMs: 20, retry: { ...fastRetry, attempts: 2 } })
      async take(@Ctx() context: StreamContext): Promise<void> {
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
        calls.push((context.signal.reason as Error).message);
        expect(() => context.ack()).toThrow(/too late/);
      }
    }
    const { streams, server } = await startService([Orders]);
    streams.write('orders', 1);
    await turn();
    await eventually(() => server.health().members[0]!.partitions[0]!.oldestInFlightMs > 0);
    await streams.settled();
    expect(calls).toEqual([
      'the handler did not end within 20 ms',
      'the handler did not end within 20 ms',
    ]);
    expect(streams.recordsOf('orders.dlq')).toHaveLength(1);
  });
});

describe('the age of the oldest call', () => {
  it('counts from the call of the handler, not from the hand-over of its record', async () => {
    const clock = new FakeClock();
    const gates = [gate(), gate()];
    @Controller()
    class Orders {
      @StreamHandler('orders')
      async take(@Payload() id: number): Promise<void> {
        calls.push(String(id));
        await gates[id]!.opened;
      }
    }
    const streams = new MemoryStreams({ partitions: 1, clock });
    const { server } = await startService([Orders], { streams, clock });
    const partition = () => server.health().members[0]!.partitions[0]!;
    streams.write('orders', 0);
    streams.write('orders', 1);
    await eventually(() => calls.length === 1);
    clock.advance(400_000);
    expect(partition().oldestCallMs).toBe(400_000);
    gates[0]!.open();
    await eventually(() => calls.length === 2);
    expect(partition()).toMatchObject({ oldestInFlightMs: 400_000, oldestCallMs: 0 });
    clock.advance(10);
    expect(partition().oldestCallMs).toBe(10);
    gates[1]!.open();
    await eventually(() => partition().inFlight === 0);
    expect(partition().oldestCallMs).toBe(0);
  });
});

describe('a dead letter that cannot be written', () => {
  class StubbornStreams extends MemoryStreams {
    refusals = 3;

    override createProducer(): RecordProducer {
      const producer = super.createProducer();
      const send: RecordProducer['send'] = async (record) => {
        if (this.refusals > 0) throw new Error(`refused, ${this.refusals--} to go`);
        return producer.send(record);
      };
      return { ...producer, send };
    }
  }

  @Controller()
  class Orders {
    @StreamHandler('orders', { retry: false })
    take(@Payload() id: number): void {
      calls.push(String(id));
      if (id === 1) throw new Error('no');
    }
  }

  it('is tried again while its partition waits, and the health tells', async () => {
    const streams = new StubbornStreams({ partitions: 1 });
    const { server } = await startService([Orders], { streams });
    streams.write('orders', 1);
    streams.write('orders', 2);
    await eventually(() => server.health().problem !== null);
    expect(server.health().problem).toMatch(/^orders\.dlq: refused/);
    expect(calls).toEqual(['1']);
    await streams.settled();
    expect(calls).toEqual(['1', '2']);
    expect(streams.valuesOf('orders.dlq')).toEqual([1]);
    expect(server.health().problem).toBeNull();
  });

  it('is never dropped: at the end the record stays with the group', async () => {
    const streams = new StubbornStreams({ partitions: 1 });
    streams.refusals = Infinity;
    const { app } = await startService([Orders], { streams });
    streams.write('orders', 1);
    await eventually(() => calls.length > 0);
    await app.close();
    streams.refusals = 0;
    await startService([Orders], { streams });
    await streams.settled();
    expect(streams.valuesOf('orders.dlq')).toEqual([1]);
  });
});
