import 'reflect-metadata';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  EventPattern,
  MessagePattern,
  Payload,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { RedisStreams, StreamsServer } from '@sluice/transport';
import { logLevel } from 'kafkajs';
import { patternsOf, type Expectation, type PeerModule, type TransportWork } from './work';

/** Counts what is handled since the last expectation, and tells when it is all. */
class Counter {
  private expected = Infinity;
  private handled = 0;
  private last = -1;
  private outOfOrder = 0;

  expect({ events }: Expectation): void {
    [this.expected, this.handled, this.last, this.outOfOrder] = [events, 0, -1, 0];
    process.send!('expecting');
  }

  handle(number: number): void {
    if (number < this.last) this.outOfOrder++;
    this.last = number;
    if (++this.handled !== this.expected) return;
    process.send!({ events: this.handled, outOfOrder: this.outOfOrder });
  }
}

/** The same controller for each transport: it does nothing but count and answer. */
function controllerOf({ kind }: TransportWork, counter: Counter): Type {
  const { events, requests } = patternsOf(kind);
  @Controller()
  class Bench {
    @EventPattern<string>(events)
    async event(@Payload() { number }: { number: number }): Promise<void> {
      counter.handle(number);
    }

    @MessagePattern(requests)
    async request(@Payload() { number }: { number: number }): Promise<{ next: number }> {
      return { next: number + 1 };
    }
  }
  return Bench;
}

async function optionsOf(work: TransportWork): Promise<MicroserviceOptions> {
  const { kind, redisUrl, kafkaPort, peerEntry } = work;
  const { hostname: host, port } = new URL(redisUrl);
  switch (kind) {
    case 'sluice':
    case 'sluice-at-most-once': {
      const delivery = kind === 'sluice' ? 'at-least-once' : 'at-most-once';
      const driver = new RedisStreams({ redisUrl });
      return { strategy: new StreamsServer({ driver, group: kind, handlers: { delivery } }) };
    }
    case 'nest-redis':
      return { transport: Transport.REDIS, options: { host, port: Number(port) } };
    case 'nest-kafka': {
      const client = { brokers: [`127.0.0.1:${kafkaPort}`], logLevel: logLevel.ERROR };
      return { transport: Transport.KAFKA, options: { client, consumer: { groupId: kind } } };
    }
    case 'streams-peer': {
      const { RedisStreamServer } = (await import(peerEntry)) as PeerModule;
      return { strategy: new RedisStreamServer({ url: redisUrl }) };
    }
  }
}

async function serve(work: TransportWork): Promise<void> {
  const counter = new Counter();
  @Module({ controllers: [controllerOf(work, counter)] })
  class BenchModule {}
  const options = await optionsOf(work);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(BenchModule, {
    ...options,
    logger: ['error'],
  });
  await app.listen();
  process.on('message', (expectation: Expectation) => counter.expect(expectation));
  process.once('disconnect', () => process.exit());
  process.send!('ready');
}

void serve(JSON.parse(process.argv[2]!) as TransportWork);
