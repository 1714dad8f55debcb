import type { ServerFront } from '../../support/server-front';
import { FaultProxy } from './fault-proxy';
import type { SeededRandom } from '../seeded-random';

/** Servers dial from addresses of their own from here on, so that a network knows who it is. */
const firstSource = 11;
const host = '127.0.0.1';

/** The network between the servers themselves, as far as it leads to one of them. */
export class Front implements ServerFront {
  readonly args: readonly string[];
  /** The address from which the server dials. */
  readonly source: string;
  readonly #targets: { host: string; port: number }[];
  /** To its port and, in a cluster, to its bus. */
  readonly #proxies: readonly FaultProxy[];

  private constructor(
    server: number,
    proxies: readonly (readonly [FaultProxy, { host: string; port: number }])[],
  ) {
    this.#proxies = proxies.map(([proxy]) => proxy);
    this.#targets = proxies.map(([, target]) => target);
    this.source = `127.0.0.${firstSource + server}`;
    const [port, busPort] = this.#proxies.map((proxy) => String(proxy.port));
    const kind = busPort === undefined ? 'replica' : 'cluster';
    const bus = busPort === undefined ? [] : ['--cluster-announce-bus-port', busPort];
    const told = [`--${kind}-announce-ip`, host, `--${kind}-announce-port`, port!];
    this.args = [...told, ...bus, '--bind-source-addr', this.source];
  }

  /** @param hasBus it is a node of a cluster */
  static async open(server: number, random: SeededRandom, hasBus: boolean): Promise<Front> {
    const count = hasBus ? 2 : 1;
    const made = Array.from({ length: count }, () => {
      const target = { host, port: 0 };
      return [new FaultProxy(target, random.fork()), target] as const;
    });
    for (const [proxy] of made) await proxy.start();
    return new Front(server, made);
  }

  get port(): number {
    return this.#proxies[0]!.port;
  }

  leadsTo(port: number, busPort = 0): void {
    for (const [i, target] of this.#targets.entries()) target.port = i === 0 ? port : busPort;
  }

  /**
   * Nothing gets through any more, and connections stay.
   *
   * @param from of one server only; null: of nobody
   */
  silence(from: string | null = null): void {
    for (const proxy of this.#proxies) proxy.set({ kind: 'silent' }, from);
  }

  heal(): void {
    for (const proxy of this.#proxies) proxy.set(null);
  }

  async close(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
  }
}
