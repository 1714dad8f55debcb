import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { SeededRandom } from '../seeded-random';
import type { Line, NetworkTrouble, TroubleKind } from './line';

/** What packets alone know of. */
const ofPackets = new Set<TroubleKind>(['no-requests', 'no-replies', 'lossy', 'narrow']);

/**
 * What a test does to what clients send: what it returns goes on in its place, and nothing where
 * that is null. `answer` sends bytes back to the client.
 */
export type Tamper = (bytes: Buffer, answer: (bytes: Buffer) => void) => Buffer | null;

/** What a test makes of what a server answers, as a network does that translates addresses. */
export type Rewrite = (bytes: Buffer) => Buffer;

/** Bytes that may wait for a slow receiver before its sender has to wait, too. */
const waitingBytesMax = 16 * 1024 * 1024;

/** One of the two ways of a connection. */
interface Way {
  from: Socket;
  to: Socket;
  isReply: boolean;
  /** From which the client came. */
  address: string;
  /** What is under way, in order, and when each piece arrives. */
  underWay: { bytes: Buffer; arrivesMs: number }[];
  underWayBytes: number;
}

/** Stands between clients and a server, and is the network between them. */
export class FaultProxy implements Line {
  /** With the address from which the client of its connection came. */
  readonly #sockets = new Map<Socket, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #server: Server = createServer((client) => this.#join(client));
  #trouble: NetworkTrouble | null = null;
  /** Who has the trouble; null: everybody. */
  #from: string | null = null;
  #tamper: Tamper | null = null;

  /**
   * @param target where the real server listens; it may change until somebody comes
   * @param rewrite what becomes of each piece of what the server answers
   */
  constructor(
    private readonly target: { host: string; port: number },
    private readonly random: SeededRandom,
    private readonly rewrite: Rewrite | null = null,
  ) {}

  /** Starts to listen on a free port of 127.0.0.1. */
  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return this.port;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  whyNot(kind: TroubleKind): string | null {
    return ofPackets.has(kind) ? 'it needs network namespaces' : null;
  }

  /**
   * From now on; null: nothing is wrong any more.
   *
   * @param from only those who come from this address have it; null: everybody
   */
  set(trouble: NetworkTrouble | null, from: string | null = null): void {
    const was = this.#trouble;
    this.#trouble = trouble;
    this.#from = from;
    if (was?.kind === 'silent') for (const [socket] of this.#sockets) socket.resume();
    for (const [socket, address] of this.#sockets) {
      const kind = this.#troubleOf(address)?.kind;
      if (kind === 'cut') socket.destroy();
      if (kind === 'silent') socket.pause();
    }
  }

  /** From now on what arrives is not what was sent: a fault that checkers have to find. */
  tamper(tamper: Tamper): void {
    this.#tamper = tamper;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const [socket] of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.set({ kind: 'cut' });
    for (const timer of this.#timers) clearTimeout(timer);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const address = client.remoteAddress ?? '';
    if (this.#troubleOf(address)?.kind === 'cut') return void client.destroy();
    const server = connect(this.target);
    for (const socket of [client, server]) {
      const other = socket === client ? server : client;
      this.#sockets.set(socket, address);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    const way = { address, underWayBytes: 0 };
    this.#lead({ ...way, from: client, to: server, isReply: false, underWay: [] });
    this.#lead({ ...way, from: server, to: client, isReply: true, underWay: [] });
    const isSilent = this.#troubleOf(address)?.kind === 'silent';
    if (isSilent) for (const socket of [client, server]) socket.pause();
  }

  #lead(way: Way): void {
    const { from, to } = way;
    from.on('data', (sent: Buffer) => {
      const bytes = this.#changed(way, sent);
      if (bytes === null) return;
      if (this.#loses(way)) {
        from.destroy();
        return;
      }
      this.#send(way, bytes);
    });
    to.on('drain', () => this.#resume(way));
  }

  #changed({ from, isReply }: Way, bytes: Buffer): Buffer | null {
    if (isReply) return this.rewrite?.(bytes) ?? bytes;
    const tamper = this.#tamper;
    return tamper === null ? bytes : tamper(bytes, (answer) => void from.write(answer));
  }

  #troubleOf(address: string): NetworkTrouble | null {
    return this.#from === null || this.#from === address ? this.#trouble : null;
  }

  #send(way: Way, bytes: Buffer): void {
    const arrivesMs = this.#arrivalMs(way);
    if (way.underWay.length === 0 && arrivesMs <= performance.now()) {
      this.#deliver(way, bytes);
      return;
    }
    way.underWay.push({ bytes, arrivesMs });
    way.underWayBytes += bytes.length;
    if (way.underWayBytes > waitingBytesMax) way.from.pause();
    if (way.underWay.length === 1) this.#wait(way);
  }

  #deliver({ from, to }: Way, bytes: Buffer): void {
    if (to.destroyed) return;
    to.write(bytes);
    if (to.writableLength > waitingBytesMax) from.pause();
  }

  /** Waits for the first piece that is under way, and delivers all that have arrived by then. */
  #wait(way: Way): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        while (way.underWay.length > 0 && way.underWay[0]!.arrivesMs <= performance.now()) {
          const { bytes } = way.underWay.shift()!;
          way.underWayBytes -= bytes.length;
          this.#deliver(way, bytes);
        }
        if (way.underWay.length > 0) this.#wait(way);
        else this.#resume(way);
      },
      Math.ceil(way.underWay[0]!.arrivesMs - performance.now()),
    );
    this.#timers.add(timer);
  }

  #resume({ from, to, address }: Way): void {
    const isFull = to.writableLength > waitingBytesMax;
    if (!isFull && this.#troubleOf(address)?.kind !== 'silent') from.resume();
  }

  #loses({ isReply, address }: Way): boolean {
    const trouble = this.#troubleOf(address);
    if (trouble?.kind !== (isReply ? 'lost-replies' : 'lost-requests')) return false;
    return this.random.happens((trouble as { share: number }).share);
  }

  /** When what is sent now arrives: never before what was sent earlier. */
  #arrivalMs({ underWay, address }: Way): number {
    const trouble = this.#troubleOf(address);
    const nowMs = performance.now();
    const tookMs =
      trouble?.kind === 'slow' ? trouble.delayMs + this.random.next() * trouble.jitterMs : 0;
    return Math.max(underWay.at(-1)?.arrivesMs ?? 0, nowMs + tookMs);
  }
}
