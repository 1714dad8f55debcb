import {
  ConfigurableModuleBuilder,
  Inject,
  Logger as NestLogger,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { StreamsClient } from '../client/streams-client';
import type { StreamsDriver } from '../driver';
import { StreamsHealthIndicator } from '../health/streams-health-indicator';
import { nestLogger } from '../nest-logger';
import { StreamsServer } from '../server/streams-server';
import { STREAMS_DRIVER, STREAMS_OPTIONS, streamsClientToken } from '../tokens';
import { ClientRegistry } from './client-registry';
import { driverOf, serverOf } from './module-driver';
import type { FeatureTopic, StreamsFeature, StreamsModuleOptions } from './module-options';

/** `forRoot` and `forRootAsync`, as Nest makes them for modules with options. */
const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<StreamsModuleOptions>({
  optionsInjectionToken: STREAMS_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createStreamsOptions')
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({
    ...definition,
    global: isGlobal,
  }))
  .build();

const providers: Provider[] = [
  { provide: STREAMS_DRIVER, inject: [STREAMS_OPTIONS], useFactory: driverOf },
  {
    provide: ClientRegistry,
    inject: [STREAMS_OPTIONS, STREAMS_DRIVER],
    useFactory: (options: StreamsModuleOptions, driver: StreamsDriver) =>
      new ClientRegistry(options, driver),
  },
  {
    provide: streamsClientToken(),
    inject: [ClientRegistry],
    useFactory: (clients: ClientRegistry) => clients.create(),
  },
  { provide: StreamsClient, useExisting: streamsClientToken() },
  { provide: StreamsServer, inject: [STREAMS_OPTIONS, STREAMS_DRIVER], useFactory: serverOf },
  StreamsHealthIndicator,
];

/**
 * The streams of an app: one connection, which is there before handlers are called and goes last,
 * the clients on it, and a server for `connectStreams`. Imported once, in the root module; it is
 * global unless told otherwise.
 */
@Module({
  providers,
  exports: [
    STREAMS_OPTIONS,
    STREAMS_DRIVER,
    ClientRegistry,
    streamsClientToken(),
    StreamsClient,
    StreamsServer,
    StreamsHealthIndicator,
  ],
})
export class StreamsModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationShutdown
{
  private isConnected = false;

  constructor(
    @Inject(STREAMS_OPTIONS) private readonly options: StreamsModuleOptions,
    @Inject(STREAMS_DRIVER) private readonly driver: StreamsDriver,
    private readonly clients: ClientRegistry,
  ) {
    super();
  }

  /** Topics that this part of the app needs, and clients of its own. */
  static forFeature({ clients = [], topics = [] }: StreamsFeature): DynamicModule {
    const made = clients.map((own): Provider => ({
      provide: streamsClientToken(own.name),
      inject: [ClientRegistry],
      useFactory: (registry: ClientRegistry) => registry.create(own),
    }));
    const wanted = { provide: featureTopics, useValue: topics };
    const exported = clients.map(({ name }) => streamsClientToken(name));
    return {
      module: StreamsFeatureModule,
      providers: [...made, wanted],
      exports: exported,
    };
  }

  /** @throws RedisStartError that says what is wrong; not where Redis is to be waited for */
  async onModuleInit(): Promise<void> {
    await unlessWaiting(this.options, async () => {
      await this.driver.connect?.();
      this.isConnected = true;
    });
  }

  /** The last hook: servers have stopped by then, and others may have written until now. */
  async onApplicationShutdown(): Promise<void> {
    const closing = this.clients.close();
    if (this.isConnected) await closing;
    // One that still waits for its Redis ends that, and with it what clients have waiting.
    await Promise.all([closing, this.driver.close()]);
  }
}

const featureTopics = Symbol('FeatureTopics');

/** What one `forFeature` asks for. */
@Module({})
class StreamsFeatureModule implements OnModuleInit {
  constructor(
    @Inject(STREAMS_OPTIONS) private readonly options: StreamsModuleOptions,
    @Inject(STREAMS_DRIVER) private readonly driver: StreamsDriver,
    @Inject(featureTopics) private readonly topics: readonly FeatureTopic[],
  ) {}

  async onModuleInit(): Promise<void> {
    const { driver, topics } = this;
    if (topics.length === 0) return;
    await unlessWaiting(this.options, async () => {
      await Promise.all(topics.map(({ name, ...terms }) => driver.ensureTopic?.(name, terms)));
    });
  }
}

/** A start does not wait for a Redis that may come later; what fails then is logged. */
async function unlessWaiting(
  { connection, log = nestLogger(new NestLogger('Streams')) }: StreamsModuleOptions,
  work: () => Promise<void>,
): Promise<void> {
  const working = work();
  if (connection?.waitForRedis !== true) return working;
  working.catch(({ name, message }: Error) => {
    if (name !== 'ConnectionClosed') log.error('the streams are not ready', { error: message });
  });
}
