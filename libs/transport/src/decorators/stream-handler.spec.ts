import { Ctx, Payload } from '@nestjs/microservices';
import 'reflect-metadata';
import { StreamContext } from '../context/stream-context';
import { STREAMS_TRANSPORT } from '../tokens';
import { StreamHandler, StreamRequest } from './stream-handler';
import { typedStreams } from './typed-streams';

interface Order {
  id: number;
}

interface Payment {
  sum: number;
}

interface Events {
  orders: Order;
  payments: Payment;
}

const typed = typedStreams<Events>();

/**
 * That it compiles under `strict` is the test: Nest's own `@EventPattern('literal')` refuses the
 * methods with a typed `@Ctx()`, and those without parameters (TS1241).
 */
class Methods {
  @StreamHandler('orders')
  withBoth(@Payload() order: Order, @Ctx() context: StreamContext): [number, string] {
    return [order.id, context.getTopic()];
  }

  @StreamHandler('orders', { group: 'billing', concurrency: 4, retry: { attempts: 2 } })
  withoutParameters(): void {}

  @StreamHandler(/^orders\..+$/)
  async withPayload(@Payload() order: Order): Promise<number> {
    return order.id;
  }

  @StreamHandler(['orders', 'payments'], { transport: Symbol.for('other') })
  withSeveral(@Ctx() context: StreamContext): string {
    return context.getTopic();
  }

  @StreamRequest('sum')
  answer(@Payload() summands: number[], @Ctx() _context: StreamContext): number {
    return summands.length;
  }

  @typed.StreamHandler('orders')
  typedOne(@Payload() order: Order, @Ctx() _context: StreamContext): number {
    return order.id;
  }

  @typed.StreamHandler('payments', { batch: { size: 10 } })
  typedBatch(@Payload() payments: Payment[]): number {
    return payments.length;
  }

  @typed.StreamHandler('payments')
  typedWithout(): void {}

  @typed.StreamHandler(['orders', 'payments'])
  typedSeveral(@Payload() value: Order | Payment): string[] {
    return Object.keys(value);
  }

  // @ts-expect-error the topic has orders, not payments
  @typed.StreamHandler('orders')
  wrongType(@Payload() payment: Payment): number {
    return payment.sum;
  }

  // @ts-expect-error a batch is an array
  @typed.StreamHandler('orders', { batch: true })
  wrongBatch(@Payload() order: Order): number {
    return order.id;
  }

  // @ts-expect-error there is no such topic
  @typed.StreamHandler('shipments')
  wrongTopic(): void {}
}

const metadataOf = (name: keyof Methods) => {
  const method: object = Methods.prototype[name];
  const read = (key: string): unknown => Reflect.getMetadata(key, method);
  return {
    patterns: read('microservices:pattern'),
    transport: read('microservices:transport'),
    extras: read('microservices:pattern_extras'),
  };
};

describe('the decorators', () => {
  it('leave the topics, the transport and the options where Nest looks for them', () => {
    expect(metadataOf('withoutParameters')).toEqual({
      patterns: ['orders'],
      transport: STREAMS_TRANSPORT,
      extras: { stream: { group: 'billing', concurrency: 4, retry: { attempts: 2 } } },
    });
    expect(metadataOf('withPayload').patterns).toEqual([/^orders\..+$/]);
    expect(metadataOf('answer')).toMatchObject({ patterns: ['sum'], extras: { stream: {} } });
  });

  it('take several topics, and the transport of another server', () => {
    expect(metadataOf('withSeveral')).toEqual({
      patterns: ['orders', 'payments'],
      transport: Symbol.for('other'),
      extras: { stream: {} },
    });
  });

  it.each(['', '.', 'two words', 'a/b', 'x'.repeat(250)])('refuse %j as a topic', (name) => {
    expect(() => StreamHandler(name)).toThrow(/cannot be the name of a topic/);
    expect(() => StreamRequest(name)).toThrow(TypeError);
  });
});
