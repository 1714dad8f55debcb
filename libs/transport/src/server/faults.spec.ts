import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { silentLogger } from '@sluice/base';
import { SendError, type RecordProducer, type RecordToSend } from '@sluice/streams';
import { eventually } from '@sluice/test/support/eventually';
import { headerText, type StreamContext } from '../context/stream-context';
import { StreamHandler } from '../decorators/stream-handler';
import { requeueDeadLetters } from '../letters/requeue';
import { MemoryStreams } from '../test-kit/memory-streams';
import { fastRetry, startService, stopServices } from '../../test/service';

let calls: string[] = [];

beforeEach(() => void (calls = []));
afterEach(stopServices);

const fail = (): never => {
  throw new Error('a broken option');
};
const failsAtFirst = ({ offset }: { offset: number }) => (offset === 0 ? fail() : 'placed');
const refuse = () => Promise.reject(new Error('Redis is full'));
const triedAgain = (attempts: number) => ({
  headers: { 'sluice-origin-topic': 'orders', 'sluice-attempts': String(attempts) },
});
const reasonsIn = (streams: MemoryStreams, topic: string) =>
  streams.recordsOf(topic).map(({ headers }) => headerText(headers, 'sluice-reason'));
const sizeOf = ({ key, value, headers = [] }: Omit<RecordToSend, 'topic'>) =>
  Buffer.byteLength(key ?? '') +
  Buffer.byteLength(value ?? '') +
  headers.reduce((sum, one) => sum + one.key.length + (one.value?.length ?? 0), 0);

/** Takes no letter above so many bytes. */
class SmallStreams extends MemoryStreams {
  constructor(private readonly bytesMax: number) {
    super({ partitions: 1 });
  }

  override createProducer(): RecordProducer {
    const producer = super.createProducer();
    const send: RecordProducer['send'] = (record) => {
      const { topic } = record;
      if (sizeOf(record) <= this.bytesMax) return producer.send(record);
      return Promise.reject(new SendError('MESSAGE_TOO_LARGE', 'above the limit', { topic }));
    };
    return { ...producer, send };
  }
}

describe('a function of the options that throws', () => {
  it('makes a dead letter with the handler’s error, and the log tells of it', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders', { retry: { isRetriable: fail } })
      take(): void {
        calls.push('orders');
        throw new Error('its own');
      }

      @StreamHandler('payments', { retry: { backoff: fail } })
      pay(): void {
        calls.push('payments');
        throw new Error('its own');
      }
    }
    const told: string[] = [];
    const log = { ...silentLogger, error: (message: string) => void told.push(message) };
    const { streams } = await startService([Orders], { log });
    for (const topic of ['orders', 'payments']) streams.write(topic, 1);
    await streams.settled();
    expect(calls.sort()).toEqual(['orders', 'payments']);
    for (const topic of ['orders.dlq', 'payments.dlq']) {
      expect(reasonsIn(streams, topic)).toEqual(['unrecoverable']);
      const { headers } = streams.recordsOf(topic)[0]!;
      expect(headerText(headers, 'sluice-error-message')).toBe('its own');
    }
    expect(told).toEqual(Array.from({ length: 2 }, () => expect.stringMatching(/backoff/)));
  });

  it('that looks for the type of a record leaves it without a handler', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders', { eventType: 'placed' })
      placed(@Payload() id: number): void {
        calls.push(`placed ${id}`);
      }
    }
    const { streams } = await startService([Orders], { eventTypeOf: failsAtFirst });
    for (const id of [0, 1]) streams.write('orders', id);
    await streams.settled();
    expect(calls).toEqual(['placed 1']);
    expect(reasonsIn(streams, 'orders.dlq')).toEqual(['unroutable']);
    const { headers } = streams.recordsOf('orders.dlq')[0]!;
    expect(headerText(headers, 'sluice-error-message')).toBe('a broken option');
  });
});

describe('an error after the handler has said what becomes of the record', () => {
  it('is told, and changes nothing', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders')
      take(@Payload() id: number, @Ctx() context: StreamContext): void {
        if (id === 1) context.ack();
        else context.skip('not ours');
        throw new Error(`late ${id}`);
      }
    }
    const told: unknown[] = [];
    const warn = (_message: string, fields?: object) => void told.push(fields);
    const { streams } = await startService([Orders], { log: { ...silentLogger, warn } });
    for (const id of [1, 2]) streams.write('orders', id);
    await streams.settled();
    expect(told).toMatchObject([{ error: 'late 1' }, { error: 'late 2' }]);
    expect(streams.recordsOf('orders.dlq')).toEqual([]);
  });
});

describe('a dead letter that is too large', () => {
  @Controller()
  class Orders {
    @StreamHandler('orders', { retry: false })
    take(@Payload() value: string): void {
      calls.push(value);
      throw new Error('no '.repeat(500));
    }
  }
  const letterFor = async (bytesMax: number, value: string, headers = {}) => {
    const streams = new SmallStreams(bytesMax);
    await startService([Orders], { streams });
    streams.write('orders', JSON.stringify(value), { key: 'alice', headers });
    await streams.settled();
    return { streams, letter: streams.recordsOf('orders.dlq')[0]! };
  };

  it('goes without the stack, and with a short message', async () => {
    const value = 'x'.repeat(1_000);
    const { letter } = await letterFor(2_000, value);
    expect(letter.value?.toString()).toBe(JSON.stringify(value));
    expect(headerText(letter.headers, 'sluice-error-stack')).toBeUndefined();
    expect(headerText(letter.headers, 'sluice-error-message')).toHaveLength(200);
  });

  it('goes without its value where it must, says so, and is not put back', async () => {
    const { letter, streams } = await letterFor(1_000, 'x'.repeat(998), { by: 'me' });
    expect(letter.value).toBeNull();
    expect(letter.key?.toString()).toBe('alice');
    expect(headerText(letter.headers, 'by')).toBe('me');
    expect(headerText(letter.headers, 'sluice-value-left-out')).toBe('1000');
    const result = await requeueDeadLetters(streams, { topic: 'orders', quietMs: 0 });
    expect(result).toEqual({ requeued: 0, passedOver: 1 });
  });

  it('goes without its own headers in the end', async () => {
    const { letter } = await letterFor(1_000, 'x', { by: 'm'.repeat(900) });
    expect(headerText(letter.headers, 'by')).toBeUndefined();
    expect(headerText(letter.headers, 'sluice-origin-topic')).toBe('orders');
    expect(letter.key).toBeNull();
  });

  it('of a record that is to be tried again by a topic: it is tried again in place', async () => {
    @Controller()
    class Later {
      @StreamHandler('orders', { retry: { ...fastRetry, mode: 'topic' } })
      take(@Ctx() context: StreamContext): void {
        calls.push(`${context.getTopic()} ${context.getAttempt()}`);
        throw new Error('no');
      }
    }
    const streams = new SmallStreams(1_000);
    await startService([Later], { streams });
    streams.write('orders', JSON.stringify('x'.repeat(990)));
    await streams.settled();
    expect(calls).toEqual(['orders 1', 'orders 2', 'orders 3']);
    expect(reasonsIn(streams, 'orders.dlq')).toEqual(['attempts-exhausted']);
  });
});

const refusal = (controller: new () => object, options = {}) =>
  startService([controller], options).then(
    () => 'started',
    (error: Error) => error.message,
  );

describe('topics of dead letters and retries that cannot be', () => {
  it('are refused at the start', async () => {
    const long = 'o'.repeat(246);
    @Controller()
    class Long {
      @StreamHandler(long)
      take(): void {}
    }
    @Controller()
    class Asked {
      @MessagePattern(long)
      take(): void {}
    }
    @Controller()
    class Retried {
      @StreamHandler('orders', { group: 'billing:eu', retry: { ...fastRetry, mode: 'topic' } })
      take(): void {}
    }
    @Controller()
    class Named {
      @StreamHandler(long, { deadLetter: { topic: 'graveyard' } })
      take(): void {}

      @StreamHandler('orders', { group: 'billing:eu' })
      other(): void {}
    }
    expect(await refusal(Long)).toMatch(/deadLetter\.topic/);
    expect(await refusal(Asked)).toMatch(/deadLetter\.topic/);
    expect(await refusal(Retried)).toMatch(/"orders\.billing:eu\.retry".*another group/);
    expect(await refusal(Named)).toBe('started');
  });
});

describe('a handler of requests', () => {
  it('cannot have retries by a topic', async () => {
    @Controller()
    class Sums {
      @MessagePattern('sum', { stream: { retry: { mode: 'topic' } } })
      sum(): void {}
    }
    expect(await refusal(Sums)).toMatch(/requests cannot have retries by a topic/);
  });

  it('handles what asks for no answer as events are: tried again, then a dead letter', async () => {
    @Controller()
    class Sums {
      @MessagePattern('sum')
      sum(@Payload() value: number): void {
        calls.push(String(value));
        throw new Error('not now');
      }
    }
    const { streams } = await startService([Sums]);
    streams.write('sum', 1);
    streams.write('sum', '{"broken');
    await streams.settled();
    expect(calls).toEqual(['1', '1', '1']);
    expect(reasonsIn(streams, 'sum.dlq').sort()).toEqual(['attempts-exhausted', 'undecodable']);
  });

  it('whose dead letter is not written at the end leaves the request to the group', async () => {
    @Controller()
    class Sums {
      @MessagePattern('sum', { stream: { deadLetter: true } })
      sum(): void {
        calls.push('called');
        throw new Error('no');
      }
    }
    const streams = new MemoryStreams({ partitions: 1 });
    const producer = streams.createProducer();
    jest.spyOn(streams, 'createProducer').mockReturnValueOnce({ ...producer, send: refuse });
    const { app, server } = await startService([Sums], { streams });
    const errors: (Buffer | null)[] = [];
    const { address } = await streams.openInbox(({ error }) => void errors.push(error));
    const headers = { 'nest-correlation-id': 'r1', 'nest-reply-stream': address };
    streams.write('sum', 1, { headers });
    await eventually(() => server.health().problem !== null);
    await app.close();
    await startService([Sums], { streams });
    await streams.settled();
    expect(reasonsIn(streams, 'sum.dlq')).toEqual(['attempts-exhausted']);
  });
});

describe('a batch from a retry topic', () => {
  it('counts the attempts of each of its records', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders', { batch: true, retry: { ...fastRetry, mode: 'topic' } })
      take(@Payload() ids: number[], @Ctx() context: StreamContext): void {
        calls.push(`${ids.join()} ${context.getAttempt()}`);
        if (ids.length > 0) throw new Error('no');
      }
    }
    const streams = new MemoryStreams({ partitions: 1 });
    streams.write('orders.billing.retry', 7, triedAgain(1));
    streams.write('orders.billing.retry', 8, triedAgain(2));
    streams.write('orders.billing.retry', 9, triedAgain(1));
    await startService([Orders], { streams });
    await streams.settled();
    expect(calls.slice(0, 2)).toEqual(['7,9 2', '8 3']);
    const attempts = streams
      .recordsOf('orders.dlq')
      .map(({ headers }) => headerText(headers, 'sluice-attempts'));
    expect(attempts).toEqual(['3', '3', '3']);
  });
});
