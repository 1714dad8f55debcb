import type { Home } from '../../../support/home';
import { freePort } from '../../../support/redis-local';
import type { ServerFront } from '../../../support/server-front';
import type { ChaosNetwork, Found, GatewayPlace } from '../chaos-network';
import { RoutedLine, type Ends } from './routed-line';
import { Router, type Node } from './router';
import { Shaper } from './shaper';

/**
 * Each server, Sentinel and gateway is in a network namespace of its own, with an address of its
 * own, and clients are outside. What is broken is broken below TCP: nobody is told that anything is
 * closed.
 */
export class NamespaceNetwork implements ChaosNetwork {
  /** Those that have a front. */
  readonly #servers: Node[] = [];
  /** All but gateways. */
  readonly #inside: Node[] = [];
  #heal: (() => Promise<void>)[] = [];

  private constructor(
    private readonly router: Router,
    private readonly shaper: Shaper,
  ) {}

  /** @throws Error that says what this machine cannot do */
  static async open(): Promise<NamespaceNetwork> {
    const router = await Router.open();
    try {
      return new NamespaceNetwork(router, await Shaper.open(router, await router.add('trial')));
    } catch (error) {
      await router.close();
      throw error;
    }
  }

  async home(): Promise<Home> {
    return this.#addInside();
  }

  async front(): Promise<ServerFront> {
    const home = await this.#addInside();
    this.#servers.push(home);
    const front = { home, args: [], port: 0, leadsTo: (port: number) => void (front.port = port) };
    return front;
  }

  async gateway(found: readonly Found[]): Promise<GatewayPlace> {
    const { router, shaper } = this;
    const node = await router.add('gateway');
    const { host } = node;
    const port = await freePort();
    const lineOf = (ends: Ends) => new RoutedLine(router, ends);
    return {
      home: node,
      port,
      address: { host, port },
      finds: found.map((one) => ({ host: one.host, port: one.port })),
      clientLine: lineOf({ from: router.outside, to: host }),
      redisLines: found.map((one) => lineOf({ from: host, to: one.host })),
      line: new RoutedLine(router, { from: null, to: host }, { node, shaper }),
    };
  }

  async cutOff(server: number): Promise<void> {
    const { host } = this.#servers[server]!;
    const others = this.#inside.map((one) => one.host).filter((other) => other !== host);
    const ways = others.flatMap((other) => [
      { from: host, to: other },
      { from: other, to: host },
    ]);
    this.#heal.push(await this.router.block(ways));
  }

  async heal(): Promise<void> {
    for (const heal of this.#heal.splice(0)) await heal();
  }

  async close(): Promise<void> {
    await this.router.close();
  }

  async #addInside(): Promise<Node> {
    const node = await this.router.add('server');
    this.#inside.push(node);
    return node;
  }
}
