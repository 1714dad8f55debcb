import { BadRequestException, Catch, Controller, UseFilters, UseGuards } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { headerText, type StreamContext } from '../context/stream-context';
import { StreamHandler } from '../decorators/stream-handler';
import {
  RetriableStreamException,
  UnrecoverableStreamException,
} from '../errors/stream-exceptions';
import { MemoryStreams } from '../test-kit/memory-streams';
import { eventually } from '@sluice/test/support/eventually';
import { transportLimits } from '../transport-limits';
import { fastRetry, gate, startService, stopServices } from '../../test/service';
import { concat, defer, EMPTY, finalize, from, of, throwError } from 'rxjs';

/** What a handler was called with, for specs. */
let calls: string[] = [];

const letterOf = (streams: MemoryStreams, topic = 'orders.dlq') => {
  const [letter] = streams.recordsOf(topic);
  return Object.fromEntries(
    letter!.headers.map(({ key, value }) => [key, value?.toString() ?? '']),
  );
};

beforeEach(() => void (calls = []));
afterEach(stopServices);

describe('a handler of events', () => {
  it('gets the values in order, with their context, and they are acknowledged', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @StreamHandler('orders')
      async take(@Payload() order: { id: number }, @Ctx() context: StreamContext): Promise<void> {
        await Promise.resolve();
        const { source } = context.getHeaders();
        seen.push([order.id, context.getOffset(), context.getKey(), source, context.getAttempt()]);
      }
    }
    const { streams, server } = await startService([Orders]);
    for (const id of [7, 8])
      streams.write('orders', { id }, { key: 'a', headers: { source: 'x' } });
    await streams.settled();
    expect(seen).toEqual([
      [7, 0, 'a', 'x', 1],
      [8, 1, 'a', 'x', 1],
    ]);
    expect(server.health()).toMatchObject({ status: 'connected', problem: null });
  });

  it('that is at most once is handed few records ahead, which a kill would take', async () => {
    const { opened, open } = gate();
    @Controller()
    class Orders {
      @StreamHandler('orders', { delivery: 'at-most-once' })
      async take(): Promise<void> {
        await opened;
      }
    }
    const { streams, server } = await startService([Orders]);
    for (let id = 0; id < 300; id++) streams.write('orders', id, { partition: 0 });
    const inFlight = () =>
      Math.max(...server.health().members[0]!.partitions.map((one) => one.inFlight));
    await eventually(() => inFlight() > 0);
    expect(inFlight()).toBeLessThanOrEqual(transportLimits.atMostOnceRecordsMax);
    open();
    await streams.settled();
  });

  it('may be one of Nest’s own decorators, with a name that looks like JSON', async () => {
    @Controller()
    class Odd {
      @EventPattern<string>('true')
      onTrue(@Payload() value: number): void {
        calls.push(`true ${value}`);
      }

      @EventPattern<string>('1e3', { stream: { group: 'other' } })
      onNumber(@Payload() value: number, @Ctx() context: StreamContext): void {
        calls.push(`1e3 ${value} ${context.getGroup()}`);
      }

      @MessagePattern('null')
      onNull(@Payload() value: number): void {
        calls.push(`null ${value}`);
      }
    }
    const { streams, server } = await startService([Odd]);
    for (const topic of ['true', '1e3', 'null']) streams.write(topic, 1);
    await streams.settled();
    expect(calls.sort()).toEqual(['1e3 1 other', 'null 1', 'true 1']);
    for (const topic of ['true', '1e3', 'null']) {
      expect(server.getHandlerByPattern(topic)).not.toBeNull();
    }
    expect(server.getHandlerByPattern('else')).toBeNull();
  });

  it('is waited for to the last value of an observable, and acknowledged then', async () => {
    const { opened, open } = gate();
    @Controller()
    class Orders {
      @StreamHandler('orders')
      take() {
        return concat(
          of('first'),
          defer(() => opened),
        ).pipe(finalize(() => void calls.push('ended')));
      }
    }
    const { streams, server } = await startService([Orders]);
    streams.write('orders', 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual([]);
    expect(server.health().members[0]!.partitions[0]).toMatchObject({ lag: 1, inFlight: 1 });
    open();
    await streams.settled();
    expect(calls).toEqual(['ended']);
  });

  it('that returns an observable without values has dealt with it', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders')
      take() {
        calls.push('called');
        return EMPTY;
      }
    }
    const { streams } = await startService([Orders]);
    streams.write('orders', 1);
    await streams.settled();
    expect(calls).toEqual(['called']);
    expect(streams.recordsOf('orders.dlq')).toEqual([]);
  });

  it('whose filter returns EMPTY has dealt with it', async () => {
    @Catch()
    class Swallow {
      catch() {
        return EMPTY;
      }
    }
    @Controller()
    class Orders {
      @UseFilters(new Swallow())
      @StreamHandler('orders')
      take(): void {
        calls.push('called');
        throw new Error('no');
      }
    }
    const { streams } = await startService([Orders]);
    streams.write('orders', 1);
    await streams.settled();
    expect(calls).toEqual(['called']);
    expect(streams.recordsOf('orders.dlq')).toEqual([]);
  });

  it('that asks for something gets it', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders')
      take(@Payload() wish: string, @Ctx() context: StreamContext): void {
        calls.push(`${wish} ${context.getAttempt()}`);
        if (wish === 'skip') context.skip('not ours');
        if (wish === 'letter') context.deadLetter('never seen');
        if (wish === 'retry') context.retry();
        if (wish === 'rate' && calls.length < 9) context.retry({ delayMs: 1, isFailure: false });
        if (wish === 'ack') {
          context.ack();
          throw new Error('too late to matter');
        }
      }
    }
    const { streams } = await startService([Orders]);
    for (const wish of ['skip', 'letter', 'ack', 'retry', 'rate']) {
      streams.write('orders', JSON.stringify(wish));
    }
    await streams.settled();
    const retries = ['retry 1', 'retry 2', 'retry 3'];
    const rates = ['rate 1', 'rate 1', 'rate 1'];
    expect(calls).toEqual(['skip 1', 'letter 1', 'ack 1', ...retries, ...rates]);
    expect(streams.valuesOf('orders.dlq')).toEqual(['letter', 'retry']);
  });
});

describe('a handler that fails', () => {
  it('is tried again in place, and what comes after it waits', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders')
      take(@Payload() id: number, @Ctx() context: StreamContext): void {
        calls.push(`${id}.${context.getAttempt()}`);
        if (id === 1 && context.getAttempt() < 3) throw new Error('not yet');
      }
    }
    const { streams } = await startService([Orders]);
    for (const id of [1, 2, 3]) streams.write('orders', id);
    await streams.settled();
    expect(calls).toEqual(['1.1', '1.2', '1.3', '2.1', '3.1']);
  });

  it('leaves a dead letter that tells everything, after the last attempt', async () => {
    class CardRefused extends Error {
      override readonly name = 'CardRefused';
    }
    @Controller()
    class Orders {
      @StreamHandler('orders')
      take(): void {
        calls.push('called');
        throw new CardRefused('no money');
      }
    }
    const { streams } = await startService([Orders]);
    const headers = { source: 'shop', 'sluice-reason': 'forged', 'sluice-meta-trace': 't' };
    streams.write('orders', { id: 1 }, { key: 'alice', headers, timestampMs: 1_700_000_000_123 });
    await streams.settled();
    expect(calls).toHaveLength(3);
    const [record] = streams.recordsOf('orders.dlq');
    expect(record!.key?.toString()).toBe('alice');
    expect(record!.value?.toString()).toBe('{"id":1}');
    const letter = letterOf(streams);
    expect(letter).toMatchObject({
      source: 'shop',
      'sluice-meta-trace': 't',
      'sluice-origin-topic': 'orders',
      'sluice-origin-partition': '0',
      'sluice-origin-offset': '0',
      'sluice-origin-timestamp-ms': '1700000000123',
      'sluice-group': 'billing',
      'sluice-attempts': '3',
      'sluice-reason': 'attempts-exhausted',
      'sluice-error-name': 'CardRefused',
      'sluice-error-message': 'no money',
    });
    expect(letter['sluice-error-stack']).toContain('streams-server.spec');
    expect(Number(letter['sluice-last-failure-ms'])).toBeGreaterThanOrEqual(
      Number(letter['sluice-first-failure-ms']),
    );
  });

  it('tells the real error of guards, filters and exceptions of Nest too', async () => {
    @Controller()
    class Orders {
      @StreamHandler('guarded')
      @UseGuards({
        canActivate: () => {
          throw new TypeError('the guard is broken');
        },
      })
      guarded(): void {}

      @StreamHandler('rpc')
      rpc(): void {
        throw new RpcException('said to everybody');
      }

      @StreamHandler('observed')
      observed() {
        return throwError(() => new RangeError('later'));
      }
    }
    const { streams } = await startService([Orders]);
    for (const topic of ['guarded', 'rpc', 'observed']) streams.write(topic, 1);
    await streams.settled();
    const said = ['guarded', 'rpc', 'observed'].map((topic) => {
      const letter = letterOf(streams, `${topic}.dlq`);
      return [letter['sluice-error-name'], letter['sluice-error-message']];
    });
    expect(said).toEqual([
      ['TypeError', 'the guard is broken'],
      ['RpcException', 'said to everybody'],
      ['RangeError', 'later'],
    ]);
  });

  it('has one attempt where no other may do better', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders')
      take(@Payload() how: string): void {
        calls.push(how);
        if (how === 'unrecoverable') throw new UnrecoverableStreamException('never');
        if (how === 'invalid') throw new BadRequestException(['id must be a number']);
        throw new RetriableStreamException('later', { delayMs: 0 });
      }
    }
    const { streams } = await startService([Orders]);
    for (const how of ['unrecoverable', 'invalid', 'retriable']) {
      streams.write('orders', JSON.stringify(how));
    }
    await streams.settled();
    expect(calls).toEqual(['unrecoverable', 'invalid', 'retriable', 'retriable', 'retriable']);
    const reasons = streams
      .recordsOf('orders.dlq')
      .map(({ headers }) => headerText(headers, 'sluice-reason'));
    expect(reasons).toEqual(['unrecoverable', 'unrecoverable', 'attempts-exhausted']);
  });

  it('is never given what cannot be decoded: a dead letter at once', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders')
      take(@Payload() value: unknown): void {
        calls.push(JSON.stringify(value));
      }
    }
    const { streams } = await startService([Orders]);
    streams.write('orders', '{"broken');
    streams.write('orders', null);
    streams.write('orders', '{}');
    await streams.settled();
    expect(calls).toEqual(['null', '{}']);
    expect(letterOf(streams)).toMatchObject({
      'sluice-reason': 'undecodable',
      'sluice-attempts': '1',
      'sluice-error-name': 'SyntaxError',
    });
  });

  it('may do without dead letters: then the record is dropped, and said', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders', { deadLetter: false, retry: false })
      take(): void {
        throw new Error('no');
      }

      @StreamHandler('payments', { deadLetter: { topic: 'graveyard' }, retry: false })
      pay(): void {
        throw new Error('no');
      }
    }
    const { streams, server } = await startService([Orders]);
    const told: unknown[] = [];
    server.on('deadLetter', ({ record, topic, reason }) =>
      told.push([record.topic, topic, reason]),
    );
    streams.write('orders', 1);
    streams.write('payments', 1);
    await streams.settled();
    expect(streams.recordsOf('orders.dlq')).toEqual([]);
    expect(streams.recordsOf('graveyard')).toHaveLength(1);
    expect(told.sort()).toEqual([
      ['orders', null, 'attempts-exhausted'],
      ['payments', 'graveyard', 'attempts-exhausted'],
    ]);
  });
});

describe('retries by a topic', () => {
  it('let what comes after go first, count on, end as a letter of the origin', async () => {
    @Controller()
    class Orders {
      @StreamHandler('orders', { retry: { ...fastRetry, mode: 'topic' } })
      take(@Payload() id: number, @Ctx() context: StreamContext): void {
        calls.push(`${id} ${context.getTopic()}`);
        if (id === 1) throw new RetriableStreamException('never', { delayMs: 100 });
      }
    }
    const { streams } = await startService([Orders]);
    streams.write('orders', 0);
    streams.write('orders', 1, { key: 'alice' });
    streams.write('orders', 2);
    await streams.settled();
    expect(calls.slice(0, 3)).toEqual(['0 orders', '1 orders', '2 orders']);
    expect(calls.slice(3)).toEqual(['1 orders.billing.retry', '1 orders.billing.retry']);
    expect(letterOf(streams)).toMatchObject({
      'sluice-origin-topic': 'orders',
      'sluice-origin-offset': '1',
      'sluice-attempts': '3',
    });
    expect(letterOf(streams)).not.toHaveProperty('sluice-retry-delay-ms');
  });
});

/** What starting it says. */
const started = (controller: new () => object, options = {}) =>
  startService([controller], options).then(
    () => 'started',
    (error: Error) => error.message,
  );

describe('at boot', () => {
  it('two handlers for the same records are refused', async () => {
    @Controller()
    class Twice {
      @StreamHandler('orders')
      one(): void {}

      @EventPattern<string>('orders')
      two(): void {}
    }
    expect(await started(Twice)).toMatch(/two handlers of orders in the group billing/);
  });

  it('a handler without a group is refused', async () => {
    @Controller()
    class One {
      @StreamHandler('orders')
      one(): void {}
    }
    expect(await started(One, { group: undefined })).toMatch(/has no group/);
  });

  it('what is not a topic is left to other transports', async () => {
    @Controller()
    class Other {
      @MessagePattern({ cmd: 'sum' })
      sum(): number {
        return 1;
      }
    }
    expect(await started(Other)).toBe('started');
  });

  it('options that contradict each other are refused', async () => {
    @Controller()
    class Once {
      @StreamHandler('orders', { delivery: 'at-most-once', retry: { attempts: 2 } })
      one(): void {}
    }
    expect(await started(Once)).toMatch(/at most once cannot have retries/);
    @Controller()
    class Pattern {
      @StreamHandler(/o.*/, { retry: { attempts: 2, mode: 'topic' } })
      one(): void {}
    }
    expect(await started(Pattern)).toMatch(/cannot have retries by a topic/);
  });
});

describe('requests', () => {
  const request = { 'nest-correlation-id': 'r1' };

  async function ask(streams: MemoryStreams, topic: string, value: unknown) {
    const frames: [string | null, string | null, boolean][] = [];
    const { address } = await streams.openInbox(({ value, error, isLast }) => {
      frames.push([value?.toString() ?? null, error?.toString() ?? null, isLast]);
    });
    streams.write(topic, value, { headers: { ...request, 'nest-reply-stream': address } });
    await streams.settled();
    await new Promise((resolve) => setImmediate(resolve));
    return frames;
  }

  @Controller()
  class Sums {
    @MessagePattern('sum')
    sum(@Payload() summands: number[]): number {
      return summands.reduce((sum, one) => sum + one, 0);
    }

    @MessagePattern('count')
    count(@Payload() to: number) {
      return from(Array.from({ length: to }, (_, index) => index + 1));
    }

    @MessagePattern('fail')
    fail(@Payload() how: string) {
      calls.push('fail');
      if (how === 'rpc') throw new RpcException({ code: 'NO_MONEY' });
      if (how === 'part') {
        return concat(
          of(1),
          throwError(() => new Error('secret')),
        );
      }
      throw new Error('secret');
    }

    @MessagePattern('circle')
    circle() {
      const circle: Record<string, unknown> = {};
      circle.of = circle;
      return circle;
    }

    @StreamHandler('typed', { eventType: 'known' })
    typed(): void {}
  }

  it('are answered: one value and the end in one frame, several in order', async () => {
    const { streams } = await startService([Sums]);
    expect(await ask(streams, 'sum', [1, 2])).toEqual([['3', null, true]]);
    const counted = await ask(streams, 'count', 3);
    expect(counted.map(([value]) => value)).toEqual(['1', '2', '3']);
    expect(counted.map(([, , isLast]) => isLast)).toEqual([false, false, true]);
    expect(await ask(streams, 'count', 0)).toEqual([[null, null, true]]);
  });

  it('get the error that Nest’s filters leave, and no dead letter', async () => {
    const { streams } = await startService([Sums]);
    const errors = [
      await ask(streams, 'fail', '"rpc"'),
      await ask(streams, 'fail', '"plain"'),
      await ask(streams, 'fail', '{"broken'),
      await ask(streams, 'circle', '1'),
      (await ask(streams, 'fail', '"part"')).slice(1),
    ].map((frames) => frames.map(([, error, isLast]) => [JSON.parse(error!), isLast]));
    expect(errors).toEqual([
      [[{ code: 'NO_MONEY' }, true]],
      [[{ status: 'error', message: 'Internal server error' }, true]],
      [[{ status: 'error', message: 'the request cannot be decoded' }, true]],
      [[{ status: 'error', message: 'the answer cannot be serialised' }, true]],
      [[{ status: 'error', message: 'Internal server error' }, true]],
    ]);
    expect(calls).toEqual(['fail', 'fail', 'fail']);
    expect(streams.recordsOf('fail.dlq')).toEqual([]);
  });

  it('that no handler is for are told so', async () => {
    const { streams } = await startService([Sums]);
    const [[, error, isLast]] = (await ask(streams, 'typed', 1)) as [[null, string, boolean]];
    expect(JSON.parse(error)).toMatchObject({ message: /no matching message handler/ });
    expect(isLast).toBe(true);
  });
});
