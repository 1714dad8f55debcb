import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * Stands between a client and a server and loses things, as a network does: replies after the
 * server has acted, or everything at once.
 */
export class TcpProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((client) => this.#join(client));
  #loseReply = false;
  #losesReplyTo: (sent: Buffer) => boolean = () => false;
  #interrupted = false;
  #holding = false;

  /** @param target where the real server listens */
  constructor(private target: { host: string; port: number }) {}

  /** Starts to listen on a free port of 127.0.0.1. */
  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this.port;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * From now on, the next bytes that the server sends on any connection are lost, and all are cut.
   */
  loseNextReply(): void {
    this.#loseReply = true;
  }

  /**
   * The next time a client sends what is meant, the server gets it, its answer is lost, and all
   * connections are cut.
   */
  loseReplyTo(isMeant: (sent: Buffer) => boolean): void {
    this.#losesReplyTo = isMeant;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Cuts every connection, and each new one at once, until `restore`. */
  interrupt(): void {
    this.#interrupted = true;
    this.cut();
  }

  restore(): void {
    this.#interrupted = false;
  }

  /** From now on nothing gets through, but every connection stays: both ends see only silence. */
  hold(): void {
    this.#holding = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Lets through what was held, and all that follows. */
  letGo(): void {
    this.#holding = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Cuts every connection; new ones lead to another server. */
  retarget(target: { host: string; port: number }): void {
    this.target = target;
    this.cut();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    if (this.#interrupted) return void client.destroy();
    const upstream = connect(this.target);
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      const other = socket === client ? upstream : client;
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    let isDoomed = false;
    client.on('data', (bytes: Buffer) => {
      if (this.#losesReplyTo(bytes)) {
        isDoomed = true;
        this.#losesReplyTo = () => false;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!this.#loseReply && !isDoomed) return void client.write(bytes);
      this.#loseReply = false;
      this.cut();
    });
    if (this.#holding) for (const socket of [client, upstream]) socket.pause();
  }
}
