import { ErrorCode, FindCoordinator, Metadata } from '@sluice/wire';
import { hostAndPort, type Address } from '../../support/home';
import { RawClient } from '../../support/raw-client';
import { replyMsMax, type ClientContext } from './context';

/** A connection to one gateway. */
export interface Peer {
  client: RawClient;
  address: Address;
  /** Null where nobody knows who is there. */
  gateway: string | null;
}

const coordinatorsOf = 0;

/**
 * Finds out by our own wire library who leads a partition and who coordinates a group, and keeps
 * one connection to each gateway.
 */
export class ClusterClient {
  /** By host and port. */
  readonly #connections = new Map<string, Promise<RawClient>>();
  readonly #leaders = new Map<number, Address>();
  readonly #coordinators = new Map<string, Address>();
  #seed = 0;

  constructor(
    private readonly context: Pick<ClientContext, 'seeds' | 'gatewayAt' | 'topic'>,
    private readonly clientId: string,
  ) {}

  /** @throws Error when it cannot be found out now: nothing was sent to a leader */
  async leader(partition: number): Promise<Peer> {
    if (!this.#leaders.has(partition)) await this.#findLeaders();
    const address = this.#leaders.get(partition);
    if (address === undefined) throw new Error(`partition ${partition} has no leader now`);
    return this.#peer(address);
  }

  /** @throws Error when it cannot be found out now */
  async coordinator(group: string): Promise<Peer> {
    const known = this.#coordinators.get(group);
    if (known !== undefined) return this.#peer(known);
    const { client } = await this.#anyone();
    const asked = { key: group, keyType: coordinatorsOf };
    const { errorCode, host, port } = await client.send(FindCoordinator, 3, asked);
    if (errorCode !== ErrorCode.NONE) throw new Error(`no coordinator: error ${errorCode}`);
    this.#coordinators.set(group, { host, port });
    return this.#peer({ host, port });
  }

  /** Who leads and coordinates is found out anew. */
  forget(): void {
    this.#leaders.clear();
    this.#coordinators.clear();
  }

  /** Gives a connection up, and what was known of who does what. */
  drop({ client, address }: Peer): void {
    this.forget();
    this.#connections.delete(hostAndPort(address));
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
    const addresses = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    for (const { partitionIndex, leaderId } of topics[0]?.partitions ?? []) {
      const address = addresses.get(leaderId);
      if (address !== undefined) this.#leaders.set(partitionIndex, address);
    }
  }

  /** The next gateway that takes a connection. */
  async #anyone(): Promise<Peer> {
    const { seeds } = this.context;
    return this.#peer(seeds[this.#seed++ % seeds.length]!);
  }

  async #peer(address: Address): Promise<Peer> {
    const key = hostAndPort(address);
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      const { clientId } = this;
      connection = RawClient.connect(address.port, {
        host: address.host,
        clientId,
        replyTimeoutMs: replyMsMax,
      });
      this.#connections.set(key, connection);
      const forget = () => {
        if (this.#connections.get(key) === connection) this.#connections.delete(key);
        this.forget();
      };
      connection.then(({ closed }) => closed.then(forget), forget);
    }
    return { client: await connection, address, gateway: this.context.gatewayAt(address) };
  }
}
