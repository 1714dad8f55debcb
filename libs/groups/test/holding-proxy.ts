import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * Stands between a client and a server and can hold back what the client has sent: the client gives
 * its connection up and makes another one, and what it sent on the first arrives after all.
 */
export class HoldingProxy {
  readonly #upstreams = new Set<Socket>();
  readonly #clients = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  readonly #server: Server = createServer((client) => this.#join(client));
  #generation = 0;
  #heldGeneration = -1;

  /** @param target where the real server listens */
  constructor(private readonly target: { host: string; port: number }) {}

  /** Starts to listen on a free port of 127.0.0.1, and gives it. */
  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nothing passes on the connections that are there; new ones are not touched. */
  hold(): void {
    this.#heldGeneration = this.#generation++;
  }

  /** How often something was held back. */
  get heldCount(): number {
    return this.#held.length;
  }

  /** Sends on what was held back, though its sender may be gone. */
  release(): void {
    for (const send of this.#held.splice(0)) send();
  }

  async stop(): Promise<void> {
    for (const socket of [...this.#clients, ...this.#upstreams]) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const generation = this.#generation;
    const upstream = connect(this.target);
    const isHeld = () => generation <= this.#heldGeneration;
    this.#clients.add(client);
    this.#upstreams.add(upstream);
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    client.on('data', (bytes) => {
      if (isHeld()) this.#held.push(() => upstream.write(bytes));
      else upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!isHeld()) client.write(bytes);
    });
    client.once('close', () => {
      this.#clients.delete(client);
      if (!isHeld()) upstream.destroy();
    });
    upstream.once('close', () => {
      this.#upstreams.delete(upstream);
      client.destroy();
    });
  }
}
