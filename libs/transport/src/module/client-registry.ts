import { StreamsClient } from '../client/streams-client';
import type { ModuleDriver } from './module-driver';
import type { NamedClient, StreamsModuleOptions } from './module-options';

/** The clients of an app: they share one connection, and are closed together. */
export class ClientRegistry {
  readonly #clients: StreamsClient[] = [];

  constructor(
    private readonly options: StreamsModuleOptions,
    private readonly driver: ModuleDriver,
  ) {}

  create(own: Partial<NamedClient> = {}): StreamsClient {
    const { producer, serializer, deserializer, requestTimeoutMs, requestsMax, clock, log } =
      this.options;
    const common = { producer, serializer, deserializer, requestTimeoutMs, requestsMax };
    const given = Object.entries(own).filter(([, value]) => value !== undefined);
    const client = new StreamsClient({
      ...common,
      ...Object.fromEntries(given),
      driver: this.driver,
      clock,
      log,
    });
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
