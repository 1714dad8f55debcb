import { Controller, Injectable, Module } from '@nestjs/common';
import { ClientsModule } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { silentLogger } from '@sluice/base';
import type { StreamsConnectionOptions } from '@sluice/streams';
import { freshPrefix, sharedRedis } from '@sluice/test/support/redis';
import { firstValueFrom } from 'rxjs';
import { FakeDriver } from '../../test/fake-driver';
import { StreamsClient } from '../client/streams-client';
import type { StreamsDriver } from '../driver';
import { RedisStreams } from '../redis-streams';
import { StreamsServer } from '../server/streams-server';
import { STREAMS_DRIVER, streamsClientToken } from '../tokens';
import { InjectStreamsClient } from './inject-streams-client';
import type { StreamsModuleOptions } from './module-options';
import { StreamsModule } from './streams-module';

afterAll(async () => (await sharedRedis()).stop());

const optionsOf = async (
  more: StreamsConnectionOptions = {},
): Promise<Required<Pick<StreamsModuleOptions, 'connection' | 'log'>>> => ({
  connection: { redisUrl: (await sharedRedis()).url, keyPrefix: freshPrefix(), ...more },
  log: silentLogger,
});

/** A driver that needs no server. */
const fake = () => new FakeDriver() as unknown as FakeDriver & StreamsDriver;

@Injectable()
class Shop {
  constructor(
    readonly byClass: StreamsClient,
    @InjectStreamsClient() readonly byDecorator: StreamsClient,
    @InjectStreamsClient('audit') readonly audit: StreamsClient,
  ) {}
}

@Module({
  imports: [
    StreamsModule.forFeature({
      clients: [{ name: 'audit', producer: { acks: 1 } }],
      topics: [{ name: 'orders', partitions: 3 }],
    }),
  ],
  providers: [Shop],
})
class ShopModule {}

async function appOf(root: ReturnType<typeof StreamsModule.forRoot>) {
  const built = await Test.createTestingModule({ imports: [root, ShopModule] }).compile();
  const app = built.createNestApplication();
  await app.init();
  return app;
}

describe('forRoot', () => {
  it('gives an app its clients, and makes the topics that it needs', async () => {
    const app = await appOf(StreamsModule.forRoot(await optionsOf()));
    const { byClass, byDecorator, audit } = app.get(Shop);
    expect(byClass).toBe(byDecorator);
    expect(audit).not.toBe(byClass);
    expect(await byClass.publish('orders', { a: 1 })).toMatchObject({ offset: 0 });
    const { connection } = app.get<RedisStreams>(STREAMS_DRIVER);
    expect(connection.connected?.catalog.byName('orders')?.partitions).toBe(3);
    await app.close();
  });

  it('is connected before providers are asked to start, and until the last hook', async () => {
    const driver = fake();
    const app = await appOf(StreamsModule.forRoot({ driver }));
    expect(driver.connects).toBe(1);
    await app.close();
    expect(driver.isClosed).toBe(true);
  });

  it('has a server that does nothing by itself, and none where it is told so', async () => {
    const app = await appOf(StreamsModule.forRoot({ driver: fake(), server: { group: 'g' } }));
    expect(app.get(StreamsServer).health()).toMatchObject({ status: 'stopped' });
    await app.close();
    const without = await appOf(StreamsModule.forRoot({ driver: fake(), server: false }));
    expect(without.get(StreamsServer)).toBeNull();
    await without.close();
  });

  it('fails the start when Redis cannot be used, and says why', async () => {
    const root = StreamsModule.forRoot(await optionsOf({ redisUrl: 'redis://127.0.0.1:1' }));
    await expect(appOf(root)).rejects.toThrow('127.0.0.1:1');
  });

  it('does not wait for a Redis that may come later, where it is told so', async () => {
    const options = await optionsOf({ redisUrl: 'redis://127.0.0.1:1', waitForRedis: true });
    const app = await appOf(StreamsModule.forRoot(options));
    const waiting = app.get(Shop).byClass.publish('orders', 1);
    const failure = waiting.catch((error: unknown) => error);
    await app.close();
    expect(await failure).toMatchObject({ code: 'NOT_CONNECTED' });
  });
});

it('forRootAsync takes its options from other providers', async () => {
  const driver = fake();
  const token = Symbol('settings');
  @Module({ providers: [{ provide: token, useValue: driver }], exports: [token] })
  class SettingsModule {}
  const root = StreamsModule.forRootAsync({
    imports: [SettingsModule],
    inject: [token],
    useFactory: (found: StreamsDriver) => ({ driver: found }),
  });
  const app = await appOf(root);
  await firstValueFrom(app.get(Shop).byClass.emit('orders', 1));
  expect(driver.sent).toHaveLength(1);
  await app.close();
});

@Controller()
class Plain {
  constructor(@InjectStreamsClient() readonly client: StreamsClient) {}
}

describe("Nest's own ClientsModule", () => {
  const name = streamsClientToken();

  it('makes a client by register', async () => {
    const driver = fake();
    const clients = ClientsModule.register([
      { name, customClass: StreamsClient, options: { driver } },
    ]);
    const built = await Test.createTestingModule({ imports: [clients], controllers: [Plain] });
    const app = (await built.compile()).createNestApplication();
    await app.init();
    await app.get(Plain).client.publish('orders', 1);
    expect(driver.sent).toHaveLength(1);
    await app.close();
    await expect(app.get(Plain).client.publish('orders', 1)).rejects.toThrow('closed');
  });

  it('makes one by registerAsync, with a connection of its own that it closes', async () => {
    const { connection, log } = await optionsOf();
    const clients = ClientsModule.registerAsync([
      {
        name,
        useFactory: () => ({
          customClass: StreamsClient,
          options: { connection, log },
        }),
      },
    ]);
    const built = await Test.createTestingModule({ imports: [clients], controllers: [Plain] });
    const app = (await built.compile()).createNestApplication();
    await app.init();
    const { client } = app.get(Plain);
    expect(await client.publish('orders', 1)).toMatchObject({ topic: 'orders', offset: 0 });
    const driver = client.unwrap<RedisStreams>();
    await app.close();
    expect(driver.connection.connected).toBeNull();
  });
});
