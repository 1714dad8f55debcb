import { ErrorCode, FindCoordinator, Metadata } from '@sluice/wire';
import { RawClient } from '../../support/raw-client';
import { replyMsMax, type ClientContext } from './context';

/** A connection to one gateway. */
export interface Peer {
  client: RawClient;
  port: number;
  /** Null where nobody knows who is there. */
  gateway: string | null;
}

const coordinatorsOf = 0;

/**
 * Finds out by our own wire library who leads a partition and who coordinates a group, and keeps
 * one connection to each gateway.
 */
export class ClusterClient {
  readonly #connections = new Map<number, Promise<RawClient>>();
  readonly #leaders = new Map<number, number>();
  readonly #coordinators = new Map<string, number>();
  #seed = 0;

  constructor(
    private readonly context: Pick<ClientContext, 'seeds' | 'gatewayAt' | 'topic'>,
    private readonly clientId: string,
  ) {}

  /** @throws Error when it cannot be found out now: nothing was sent to a leader */
  async leader(partition: number): Promise<Peer> {
    if (!this.#leaders.has(partition)) await this.#findLeaders();
    const port = this.#leaders.get(partition);
    if (port === undefined) throw new Error(`partition ${partition} has no leader now`);
    return this.#peer(port);
  }

  /** @throws Error when it cannot be found out now */
  async coordinator(group: string): Promise<Peer> {
    const known = this.#coordinators.get(group);
    if (known !== undefined) return this.#peer(known);
    const { client } = await this.#anyone();
    const asked = { key: group, keyType: coordinatorsOf };
    const { errorCode, port } = await client.send(FindCoordinator, 3, asked);
    if (errorCode !== ErrorCode.NONE) throw new Error(`no coordinator: error ${errorCode}`);
    this.#coordinators.set(group, port);
    return this.#peer(port);
  }

  /** Who leads and coordinates is found out anew. */
  forget(): void {
    this.#leaders.clear();
    this.#coordinators.clear();
  }

  /** Gives a connection up, and what was known of who does what. */
  drop({ client, port }: Peer): void {
    this.forget();
    this.#connections.delete(port);
    client.socket.destroy();
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.#connections.values());
    this.#connections.clear();
    for (const one of all) if (one.status === 'fulfilled') await one.value.close();
  }

  async #findLeaders(): Promise<void> {
    const { client } = await this.#anyone();
    const asked = { topics: [{ name: this.context.topic }], allowAutoTopicCreation: false };
    const { brokers, topics } = await client.send(Metadata, 7, asked);
    const ports = new Map(brokers.map(({ nodeId, port }) => [nodeId, port]));
    for (const { partitionIndex, leaderId } of topics[0]?.partitions ?? []) {
      const port = ports.get(leaderId);
      if (port !== undefined) this.#leaders.set(partitionIndex, port);
    }
  }

  /** The next gateway that takes a connection. */
  async #anyone(): Promise<Peer> {
    const { seeds } = this.context;
    const port = seeds[this.#seed++ % seeds.length]!;
    return this.#peer(port);
  }

  async #peer(port: number): Promise<Peer> {
    let connection = this.#connections.get(port);
    if (connection === undefined) {
      const { clientId } = this;
      connection = RawClient.connect(port, { clientId, replyTimeoutMs: replyMsMax });
      this.#connections.set(port, connection);
      const forget = () => {
        if (this.#connections.get(port) === connection) this.#connections.delete(port);
        this.forget();
      };
      connection.then(({ closed }) => closed.then(forget), forget);
    }
    return { client: await connection, port, gateway: this.context.gatewayAt(port) };
  }
}
