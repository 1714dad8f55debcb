import { Controller, Injectable, Module, type OnModuleDestroy, type Type } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { silentLogger } from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import { freshPrefix, sharedRedis } from '@sluice/test/support/redis';
import { EMPTY, lastValueFrom, of, toArray } from 'rxjs';
import { gate } from '../../test/service';
import { StreamsClient } from '../client/streams-client';
import type { StreamContext } from '../context/stream-context';
import type { StreamsDriver } from '../driver';
import { StreamHandler, StreamRequest } from '../decorators/stream-handler';
import { StreamsHealthIndicator } from '../health/streams-health-indicator';
import { requeueDeadLetters } from '../letters/requeue';
import { StreamRecord } from '../building/stream-record';
import { connectStreams } from '../server/connect-streams';
import { StreamsServer } from '../server/streams-server';
import { STREAMS_DRIVER } from '../tokens';
import { StreamsModule } from './streams-module';
import type { StreamsModuleOptions } from './module-options';

let calls: string[] = [];
let gates = gate();
const ends: (() => Promise<void>)[] = [];

beforeEach(() => {
  calls = [];
  gates = gate();
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(async () => (await sharedRedis()).stop());

const retry = { attempts: 3, backoff: { type: 'fixed', delayMs: 5 } } as const;

async function optionsOf(): Promise<StreamsModuleOptions> {
  const keyPrefix = freshPrefix();
  const { url: redisUrl } = await sharedRedis();
  return {
    connection: { redisUrl, keyPrefix },
    log: silentLogger,
    server: { group: 'billing', handlers: { retry } },
  };
}

/** A hybrid app as a service has it: on `StreamsModule` and with `connectStreams`. */
async function hybridApp(controllers: Type[], options: StreamsModuleOptions) {
  const root = StreamsModule.forRoot(options);
  const module = await Test.createTestingModule({
    imports: [root, PoolModule],
    controllers,
  }).compile();
  const app = module.createNestApplication({ logger: false });
  connectStreams(app);
  await app.startAllMicroservices();
  await app.init();
  ends.push(() => app.close());
  return { app, client: app.get(StreamsClient), server: app.get(StreamsServer) };
}

/** Gone with `onModuleDestroy`, as pools of databases are. */
@Injectable()
class Pool implements OnModuleDestroy {
  onModuleDestroy(): void {
    calls.push('pool closed');
  }
}

@Module({ providers: [Pool] })
class PoolModule {}

describe('a service on Redis', () => {
  @Controller()
  class Orders {
    @StreamHandler('orders')
    take(@Payload() order: { id: number; fails?: number }, @Ctx() context: StreamContext): void {
      calls.push(`${order.id}.${context.getAttempt()}`);
      if (context.getAttempt() <= (order.fails ?? 0)) throw new RangeError(`no ${order.id}`);
    }

    @StreamHandler('empty')
    empty() {
      calls.push('empty');
      return EMPTY;
    }
  }

  it('handles records in order, with retries in place and dead letters to put back', async () => {
    const options = await optionsOf();
    const { app, client, server } = await hybridApp([Orders], options);
    for (const order of [{ id: 1 }, { id: 2, fails: 2 }, { id: 3, fails: 9 }, { id: 4 }]) {
      await client.publish('orders', new StreamRecord(order, { key: 'alice' }));
    }
    await client.publish('empty', 1);
    await eventually(() => calls.includes('4.1') && calls.includes('empty'));
    expect(calls.filter((call) => call !== 'empty')).toEqual([
      ...'1.1 2.1 2.2 2.3'.split(' '),
      ...'3.1 3.2 3.3 4.1'.split(' '),
    ]);
    const dead: StreamContext[] = [];
    @Controller()
    class Graveyard {
      @StreamHandler('orders.dlq', { group: 'undertaker' })
      take(@Ctx() context: StreamContext): void {
        dead.push(context);
      }
    }
    await hybridApp([Graveyard], options);
    await eventually(() => dead.length === 1);
    expect(dead[0]!.getHeaders()).toMatchObject({
      'sluice-origin-topic': 'orders',
      'sluice-origin-offset': '2',
      'sluice-error-name': 'RangeError',
      'sluice-error-message': 'no 3',
      'sluice-attempts': '3',
    });
    expect(dead[0]!.getKey()).toBe('alice');
    calls = [];
    const result = await requeueDeadLetters(app.get<StreamsDriver>(STREAMS_DRIVER), {
      topic: 'orders',
    });
    expect(result).toEqual({ requeued: 1, passedOver: 0 });
    await eventually(() => calls.includes('3.3'));
    const health = app.get(StreamsHealthIndicator).isHealthy('streams');
    expect(health).toMatchObject({ streams: { status: 'up', server: 'connected' } });
    await eventually(() =>
      server.health().members.every((member) => member.partitions.every(({ lag }) => lag === 0)),
    );
  });

  it('waits at its end for what runs, before a pool is closed, and repeats nothing', async () => {
    @Controller()
    class Slow {
      @StreamHandler('slow')
      async take(@Payload() id: number): Promise<void> {
        calls.push(`${id} begins`);
        await gates.opened;
        calls.push(`${id} ends`);
      }
    }
    const options = await optionsOf();
    const { app, client } = await hybridApp([Slow], options);
    for (const id of [1, 2, 3]) await client.publish('slow', new StreamRecord(id, { key: 'a' }));
    await eventually(() => calls.length > 0);
    const closed = app.close();
    await new Promise((resolve) => setImmediate(resolve));
    gates.open();
    await closed;
    expect(calls).toEqual(['1 begins', '1 ends', 'pool closed']);
    await hybridApp([Slow], options);
    await eventually(() => calls.includes('3 ends'));
    expect(calls.slice(3)).toEqual(['2 begins', '2 ends', '3 begins', '3 ends']);
  });

  it('tries again by a topic what fails, and lets what follows go first', async () => {
    @Controller()
    class Retried {
      @StreamHandler('retried', { retry: { ...retry, attempts: 2, mode: 'topic' } })
      take(@Payload() id: number, @Ctx() context: StreamContext): void {
        calls.push(`${id} ${context.getTopic()}`);
        if (id === 1) throw new Error('no');
      }
    }
    const { client } = await hybridApp([Retried], await optionsOf());
    for (const id of [1, 2]) await client.publish('retried', new StreamRecord(id, { key: 'a' }));
    await eventually(() => calls.length >= 3);
    expect(calls).toContain('1 retried.billing.retry');
    expect(calls.filter((call) => call === '1 retried')).toHaveLength(1);
  });
});

describe('requests over Redis', () => {
  @Controller()
  class Sums {
    @StreamRequest('sum')
    sum(@Payload() summands: number[]): number {
      return summands.reduce((sum, one) => sum + one, 0);
    }

    @MessagePattern('count')
    count(@Payload() values: number[]) {
      return of(...values);
    }

    @MessagePattern('fail')
    fail(): void {
      throw new Error('secret');
    }
  }

  it('are answered with one value, with several, or with an error', async () => {
    const { client } = await hybridApp([Sums], await optionsOf());
    expect(await lastValueFrom(client.send('sum', [1, 2, 3]))).toBe(6);
    expect(await lastValueFrom(client.send('count', [3, 1, 2]).pipe(toArray()))).toEqual([3, 1, 2]);
    await expect(lastValueFrom(client.send('fail', 1))).rejects.toMatchObject({
      message: 'Internal server error',
    });
  });
});
