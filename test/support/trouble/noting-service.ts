import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { silentLogger, systemClock } from '@sluice/base';
import { RedisLink } from '@sluice/redis';
import { connectStreams, StreamContext, StreamHandler, StreamsModule } from '@sluice/transport';
import type { Note, Order, ServiceOptions } from './notes';

/**
 * A NestJS service that handles the records of a topic, and notes each that it has handled in a
 * Redis of the test's own: a list for each partition, in the order of all members together. The
 * records themselves say how their handler is to behave.
 */
class Notes {
  constructor(
    private readonly options: ServiceOptions,
    private readonly redis: RedisLink['write'],
  ) {}

  static async open(options: ServiceOptions): Promise<Notes> {
    const to = { url: options.notesUrl, keyPrefix: options.notesPrefix };
    const link = await RedisLink.connect(to, { log: silentLogger, clock: systemClock });
    return new Notes(options, link.write);
  }

  async handled(order: Order, context: StreamContext): Promise<void> {
    const { notesPrefix, name } = this.options;
    const [partition, offset] = [context.getPartition(), context.getOffset()];
    const { life, seq } = order;
    const key = context.getKey() ?? '';
    const note: Note = { life, key, seq, partition, offset, member: name };
    await this.redis.rpush(`${notesPrefix}${partition}`, JSON.stringify(note));
  }

  /** True for the first that asks, of all members; it leaves its name there. */
  async isFirst(order: Order): Promise<boolean> {
    const { notesPrefix, name } = this.options;
    return (await this.redis.setnx(`${notesPrefix}first-${order.does}`, name)) === 1;
  }

  async said(word: string): Promise<boolean> {
    return (await this.redis.exists(this.options.notesPrefix + word)) === 1;
  }

  async say(word: string): Promise<void> {
    await this.redis.set(this.options.notesPrefix + word, '1');
  }
}

/** What handlers do that do not just their work. */
async function misbehave(order: Order, context: StreamContext, notes: Notes): Promise<void> {
  if (order.does === 'fail') throw new Error('it never can');
  if (order.does === 'throw' && context.getAttempt() < 3) throw new Error('not yet');
  if (order.does === 'hang' && context.getAttempt() === 1) {
    const { signal } = context;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await notes.say('aborted');
    throw signal.reason as Error;
  }
  if (order.does === 'block' && (await notes.isFirst(order))) {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, order.blockMs);
  }
  if (order.does === 'hold' && (await notes.isFirst(order))) {
    // A call that was out while the process stood still has failed.
    while (!(await notes.said('go-on').catch(() => false))) await sleep(20);
  }
}

function controllerOf(options: ServiceOptions, notes: Notes): Type {
  @Controller()
  class Orders {
    @StreamHandler(options.topic, options.handler)
    async take(@Payload() order: Order, @Ctx() context: StreamContext): Promise<void> {
      if (order.does !== undefined) await misbehave(order, context, notes);
      const { workMs = 0 } = order;
      if (workMs > 0) await sleep(workMs);
      await notes.handled(order, context);
    }
  }
  return Orders;
}

function moduleOf(options: ServiceOptions, notes: Notes): Type {
  const { redisUrl, keyPrefix, group, drainTimeoutMs, waitForRedis } = options;
  const consumer = {
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 200,
    inFlightRecordsMax: options.inFlightRecordsMax,
  };
  const connection = { redisUrl, keyPrefix, waitForRedis };
  @Module({
    imports: [StreamsModule.forRoot({ connection, server: { group, drainTimeoutMs, consumer } })],
    controllers: [controllerOf(options, notes)],
  })
  class Service {}
  return Service;
}

async function main(): Promise<void> {
  const options = JSON.parse(process.env.NOTING_SERVICE!) as ServiceOptions;
  const notes = await Notes.open(options);
  const app = await NestFactory.create(moduleOf(options, notes), { abortOnError: false });
  app.enableShutdownHooks();
  connectStreams(app);
  await app.startAllMicroservices();
  await app.init();
  process.send?.('ready');
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
