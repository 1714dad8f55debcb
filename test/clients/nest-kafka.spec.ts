import { Controller, type INestApplication } from '@nestjs/common';
import {
  ClientKafka,
  Ctx,
  EventPattern,
  KafkaContext,
  MessagePattern,
  Payload,
  RpcException,
  Transport,
  type KafkaOptions,
} from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { quickConsumer } from '@sluice/test/support/kafkajs';
import { logLevel, Partitioners } from 'kafkajs';
import { firstValueFrom } from 'rxjs';

/** NestJS' own Kafka transport, as its documents show it, with a gateway in the broker's place. */

interface SeenEvent {
  value: unknown;
  key: string | undefined;
  partition: number;
  trace: string | undefined;
}

const seen: SeenEvent[] = [];

@Controller()
class Orders {
  @EventPattern<string>('orders.placed')
  placed(@Payload() value: unknown, @Ctx() context: KafkaContext): void {
    const { key, headers } = context.getMessage();
    seen.push({
      value,
      key: key?.toString(),
      partition: context.getPartition(),
      trace: headers?.trace?.toString(),
    });
  }

  @MessagePattern('orders.total')
  total(@Payload() prices: number[]): { total: number } {
    if (prices.length === 0) throw new RpcException('there is nothing to add up');
    return { total: prices.reduce((sum, price) => sum + price) };
  }
}

let broker: TestBroker;
let service: INestApplication;
let shop: ClientKafka;

function optionsOf(groupId: string): Required<KafkaOptions> {
  return {
    transport: Transport.KAFKA,
    options: {
      client: {
        brokers: [`127.0.0.1:${broker.port}`],
        logLevel: logLevel.NOTHING,
        retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 30 },
      },
      consumer: { groupId, ...quickConsumer },
      subscribe: { fromBeginning: true },
      producer: { createPartitioner: Partitioners.DefaultPartitioner },
    },
  };
}

async function startService(): Promise<INestApplication> {
  const module = await Test.createTestingModule({ controllers: [Orders] }).compile();
  const app = module.createNestApplication({ logger: false });
  app.connectMicroservice(optionsOf('orders'));
  await app.startAllMicroservices();
  return app.init();
}

beforeAll(async () => {
  broker = await startBroker({ defaultPartitions: 3 });
  service = await startService();
  shop = new ClientKafka(optionsOf('shop').options);
  shop.subscribeToResponseOf('orders.total');
  await shop.connect();
});

afterEach(() => {
  seen.length = 0;
});

afterAll(async () => {
  await shop?.close();
  await service?.close();
  await broker?.stop();
  await broker?.redis.stop();
});

const emit = (key: string, number: number) => {
  const event = { key, value: { number }, headers: { trace: `trace ${number}` } };
  return firstValueFrom(shop.emit('orders.placed', event));
};

it('delivers events, those of one key in their order and from one partition', async () => {
  for (let number = 0; number < 20; number++) await emit(`customer ${number % 4}`, number);
  await eventually(() => seen.length === 20);
  for (let customer = 0; customer < 4; customer++) {
    const own = seen.filter(({ key }) => key === `customer ${customer}`);
    const numbers = [0, 4, 8, 12, 16].map((number) => number + customer);
    expect(own.map(({ value }) => value)).toEqual(numbers.map((number) => ({ number })));
    expect(own.map(({ trace }) => trace)).toEqual(numbers.map((number) => `trace ${number}`));
    expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
  }
});

it('answers requests, also many at once', async () => {
  const prices = Array.from({ length: 50 }, (_, price) => price);
  const asked = prices.map((price) => firstValueFrom(shop.send('orders.total', [price, 1])));
  expect(await Promise.all(asked)).toEqual(prices.map((price) => ({ total: price + 1 })));
});

it('brings the error of a handler to the one who asked', async () => {
  const asked = firstValueFrom(shop.send('orders.total', []));
  await expect(asked).rejects.toMatchObject({ message: 'there is nothing to add up' });
});

it('goes on after a restart of the service with what came meanwhile', async () => {
  await service.close();
  for (let number = 100; number < 103; number++) await emit('customer 1', number);
  service = await startService();
  await eventually(() => seen.length >= 3);
  expect(seen.map(({ value }) => value)).toEqual([
    { number: 100 },
    { number: 101 },
    { number: 102 },
  ]);
});
