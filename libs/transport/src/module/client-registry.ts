import { StreamsClient } from '../client/streams-client';
import type { StreamsDriver } from '../driver';
import type { NamedClient, StreamsModuleOptions } from './module-options';

/** The clients of an app: they share one connection, and are closed together. */
export class ClientRegistry {
  readonly #clients: StreamsClient[] = [];

  constructor(
    private readonly options: StreamsModuleOptions,
    private readonly driver: StreamsDriver,
  ) {}

  /** @param own what it has otherwise than all others */
  create(own: Partial<NamedClient> = {}): StreamsClient {
    const { client: common, clock, log } = this.options;
    const client = new StreamsClient({ ...common, ...own, driver: this.driver, clock, log });
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
