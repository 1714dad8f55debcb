import { thisMachine, type Home } from '../../support/home';
import { freePort } from '../../support/redis-local';
import type { ServerFront } from '../../support/server-front';
import type { SeededRandom } from '../seeded-random';
import { translate } from './addresses';
import type { ChaosNetwork, Found, GatewayPlace } from './chaos-network';
import { FaultProxy, type Rewrite } from './fault-proxy';
import { Front } from './front';
import { together, type Line } from './line';

const { host } = thisMachine;

/**
 * Everything is on this machine as it is, with a proxy between clients and each gateway, between
 * each gateway and each server, and between servers.
 */
export class ProxyNetwork implements ChaosNetwork {
  readonly #fronts: Front[] = [];
  readonly #proxies: FaultProxy[] = [];

  constructor(private readonly random: SeededRandom) {}

  home(): Promise<Home> {
    return Promise.resolve(thisMachine);
  }

  async front(hasBus: boolean): Promise<ServerFront> {
    const front = await Front.open(this.#fronts.length, this.random, hasBus);
    this.#fronts.push(front);
    return front;
  }

  async gateway(found: readonly Found[]): Promise<GatewayPlace> {
    const ports = new Map<number, number>();
    const rewrite: Rewrite | null = found.length === 1 ? null : translate(ports);
    const redisLines: FaultProxy[] = [];
    for (const { port, toldPort } of found) {
      const proxy = await this.#proxyTo(port, rewrite);
      redisLines.push(proxy);
      if (toldPort !== undefined) ports.set(toldPort, proxy.port);
    }
    const port = await freePort();
    const clientLine = await this.#proxyTo(port);
    return {
      home: thisMachine,
      port,
      address: { host, port: clientLine.port },
      finds: redisLines.map((proxy) => ({ host, port: proxy.port })),
      clientLine,
      redisLines,
      line: apart(together([clientLine, ...redisLines])),
    };
  }

  cutOff(server: number): void {
    const own = this.#fronts[server]!;
    for (const front of this.#fronts) front.silence(front === own ? null : own.source);
  }

  heal(): void {
    for (const front of this.#fronts) front.heal();
  }

  async close(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
    await Promise.all(this.#fronts.map((front) => front.close()));
  }

  async #proxyTo(port: number, rewrite: Rewrite | null = null): Promise<FaultProxy> {
    const proxy = new FaultProxy({ host, port }, this.random.fork(), rewrite);
    await proxy.start();
    this.#proxies.push(proxy);
    return proxy;
  }
}

/** Proxies break each side of a gateway by itself. */
function apart(line: Line): Line {
  return { ...line, whyNot: () => 'it needs network namespaces' };
}
