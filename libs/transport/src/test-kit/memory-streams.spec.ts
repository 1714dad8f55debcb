import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { silentLogger } from '@sluice/base';
import type { ConsumedRecord, OwnedPartition, RecordConsumer } from '@sluice/streams';
import { lastValueFrom } from 'rxjs';
import { StreamRecord } from '../building/stream-record';
import { StreamsClient } from '../client/streams-client';
import { StreamHandler, StreamRequest } from '../decorators/stream-handler';
import { StreamsModule } from '../module/streams-module';
import { connectStreams } from '../server/connect-streams';
import { MemoryStreams } from './memory-streams';

/** A consumer that keeps what it is given, and acknowledges what it is told to. */
class Taker {
  readonly taken: [OwnedPartition, ConsumedRecord][] = [];
  readonly consumer: RecordConsumer;

  constructor(streams: MemoryStreams, settings = {}) {
    const all = { group: 'g', topics: ['t'], inFlightRecordsMax: 2, ...settings };
    this.consumer = streams.createConsumer(all, this);
  }

  take(partition: OwnedPartition, records: readonly ConsumedRecord[]): void {
    for (const record of records) this.taken.push([partition, record]);
  }

  get offsets(): number[] {
    return this.taken.map(([, { offset }]) => offset);
  }

  acknowledgeAll(): void {
    for (const [partition, { offset }] of this.taken) partition.acknowledge(offset);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('streams in memory', () => {
  it('serve a whole app: events, requests and what the client is told', async () => {
    const handled: unknown[] = [];
    @Controller()
    class Shop {
      @StreamHandler('orders')
      take(@Payload() order: unknown): void {
        handled.push(order);
      }

      @StreamRequest('sum')
      sum(@Payload() summands: number[]): number {
        return summands.reduce((sum, one) => sum + one, 0);
      }
    }
    const streams = new MemoryStreams();
    const root = StreamsModule.forRoot({
      driver: streams,
      server: { group: 'shop' },
      log: silentLogger,
    });
    const module = await Test.createTestingModule({
      imports: [root],
      controllers: [Shop],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    connectStreams(app);
    await app.startAllMicroservices();
    await app.init();
    const client = app.get(StreamsClient);
    const sent = await client.publish('orders', new StreamRecord({ id: 1 }, { key: 'alice' }));
    expect(sent).toMatchObject({ topic: 'orders', offset: 0 });
    expect(await lastValueFrom(client.send('sum', [1, 2]))).toBe(3);
    await streams.settled();
    expect(handled).toEqual([{ id: 1 }]);
    await app.close();
  });

  it('give a partition one owner at a time, and hand on what was not acknowledged', async () => {
    const streams = new MemoryStreams({ partitions: 1 });
    const [first, second] = [new Taker(streams), new Taker(streams)];
    await first.consumer.start();
    await second.consumer.start();
    for (let id = 0; id < 4; id++) streams.write('t', id);
    await turn();
    expect([first.offsets, second.offsets]).toEqual([[0, 1], []]);
    first.taken[1]![0].acknowledge(1);
    const closed = first.consumer.close();
    await turn();
    expect(second.offsets).toEqual([]);
    first.taken[0]![0].release(0);
    await closed;
    await turn();
    expect(second.offsets[0]).toBe(0);
    expect(second.taken[0]![1].mayBeRepeated).toBe(true);
    // What was acknowledged behind it comes again: a group's progress is one offset.
    expect(second.offsets[1]).toBe(1);
    expect(second.taken[1]![1].mayBeRepeated).toBe(true);
    while (second.offsets.at(-1) !== 3) {
      second.acknowledgeAll();
      await turn();
    }
    second.acknowledgeAll();
    await streams.settled();
    await second.consumer.close();
  });

  it('stop, go on and go elsewhere, and say when something is not dealt with', async () => {
    const streams = new MemoryStreams({ partitions: 1 });
    for (let id = 0; id < 5; id++) streams.write('t', id, { timestampMs: 1_000 + id });
    const taker = new Taker(streams, { startFrom: { timestampMs: 1_003 } });
    await taker.consumer.start();
    await turn();
    expect(taker.offsets).toEqual([3, 4]);
    taker.consumer.pause([{ topic: 't' }]);
    taker.acknowledgeAll();
    await taker.consumer.seek({ topic: 't', partitions: [0] }, 'start');
    await turn();
    expect(taker.offsets).toHaveLength(2);
    taker.consumer.resume([{ topic: 't' }]);
    await turn();
    expect(taker.offsets.slice(2)).toEqual([0, 1]);
    expect(taker.consumer.health().partitions[0]).toMatchObject({ lag: 5, inFlight: 2 });
    await expect(streams.settled(20)).rejects.toThrow(/not every record/);
    await expect(taker.consumer.seek({ topic: 'other' }, 'end')).rejects.toThrow(/not owned/);
    taker.acknowledgeAll();
    await taker.consumer.close(0);
  });

  it('hand over at most once what was acknowledged before', async () => {
    const streams = new MemoryStreams({ partitions: 1 });
    const settings = { delivery: 'at-most-once' };
    const first = new Taker(streams, settings);
    await first.consumer.start();
    for (let id = 0; id < 3; id++) streams.write('t', id);
    await turn();
    expect(first.offsets).toEqual([0, 1]);
    await first.consumer.close(0);
    const second = new Taker(streams, settings);
    await second.consumer.start();
    await turn();
    expect(second.offsets).toEqual([2]);
  });
});
