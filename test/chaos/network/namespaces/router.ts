import { networkInterfaces } from 'node:os';
import type { Home } from '../../../support/home';
import { run, runIp } from './commands';
import { namespaceName, removeLeftovers } from './leftovers';

/** 198.18.0.0/15 is there for tests of networks (RFC 2544), so nobody's real network is in it. */
const firstOctet = 198;
const secondOctets = 2;
const secondOctetMin = 18;
const octetCount = 256;
const routerOctet = 254;
const nodesMax = 200;
/** Rules take their turns below those that the kernel has itself, and are used again. */
const prioritiesMax = 30_000;

/** A namespace with an address, and the two ends of the link between it and the router. */
export interface Node extends Home {
  readonly namespace: string;
  /** Each end: where it is, and its name there. What leaves there can be made slow. */
  readonly ends: readonly { namespace: string; device: string }[];
}

let networks = 0;

/**
 * Namespaces with a link each to a namespace that passes packets on between them, and to this
 * process. All of them have addresses of one subnet. What is dropped is dropped in the router, by
 * rules of routing, so that it may be dropped one way only; nobody is told.
 */
export class Router {
  readonly #nodes: Node[] = [];
  #rules = 0;

  private constructor(
    private readonly network: number,
    /** The first three octets of all addresses. */
    private readonly subnet: string,
    readonly namespace: string,
    /** The device by which this process reaches all. */
    private readonly device: string,
  ) {}

  /**
   * Makes the router and the link to this process; what is left of killed runs goes first.
   *
   * @throws Error with the words of `ip` where this machine cannot do it
   */
  static async open(): Promise<Router> {
    await removeLeftovers();
    const network = networks++;
    const subnet = freeSubnet(process.pid + network);
    const device = `sc${process.pid}n${network}`;
    const router = new Router(network, subnet, namespaceName(network, 'router'), device);
    try {
      await router.#open();
      return router;
    } catch (error) {
      await router.close();
      throw error;
    }
  }

  /** The address of this process, and so of all clients. */
  get outside(): string {
    return this.#address(routerOctet - 1);
  }

  /** Makes a namespace from which all others are reached. */
  async add(kind: string): Promise<Node> {
    const octet = this.#nodes.length + 1;
    if (octet > nodesMax) throw new Error(`a network has at most ${nodesMax} nodes`);
    const namespace = namespaceName(this.network, `${kind}-${octet}`);
    const host = this.#address(octet);
    const device = 'uplink';
    const far = `port${octet}`;
    const ends = [
      { namespace, device },
      { namespace: this.namespace, device: far },
    ];
    const node = { host, namespace, ends, prefix: ['ip', 'netns', 'exec', namespace] };
    this.#nodes.push(node);
    await run(['ip', 'netns', 'add', namespace]);
    await runIp(this.namespace, this.#linkLines(far, `${device} netns ${namespace}`, host));
    await runIp(namespace, ['link set lo up', ...this.#uplinkLines(device, host)]);
    return node;
  }

  /**
   * From now on nothing gets from some addresses to others, and nobody is told.
   *
   * @param ways from where to where; null: everywhere
   * @returns what takes this back
   */
  async block(
    ways: readonly { from: string | null; to: string | null }[],
  ): Promise<() => Promise<void>> {
    const rules = ways.map(({ from, to }) => {
      const told = `${from === null ? '' : `from ${from} `}${to === null ? '' : `to ${to} `}`;
      return `${told}priority ${1 + (this.#rules++ % prioritiesMax)} blackhole`;
    });
    await runIp(
      this.namespace,
      rules.map((rule) => `rule add ${rule}`),
    );
    return () =>
      runIp(
        this.namespace,
        rules.map((rule) => `rule del ${rule}`),
      );
  }

  /** Deletes all of it. Processes that are still in it go on, and reach nobody. */
  async close(): Promise<void> {
    const names = [this.namespace, ...this.#nodes.map(({ namespace }) => namespace)];
    for (const name of names) await run(['ip', 'netns', 'delete', name]).catch(() => undefined);
    // With the namespace at its other end it goes too, but later.
    await run(['ip', 'link', 'delete', this.device]).catch(() => undefined);
  }

  async #open(): Promise<void> {
    const { namespace, device, outside } = this;
    await run(['ip', 'netns', 'add', namespace]);
    const forward = 'echo 1 > /proc/sys/net/ipv4/ip_forward';
    await run(['ip', 'netns', 'exec', namespace, 'sh', '-c', forward]);
    await runIp(null, [`link add ${device} type veth peer name out netns ${namespace}`]);
    await runIp(namespace, ['link set lo up', ...this.#portLines('out', outside)]);
    const byRouter = `via ${this.#router} dev ${device} src ${outside}`;
    const toAll = `route add ${this.#address(0)}/24 ${byRouter}`;
    await runIp(null, [...this.#addressLines(device, outside), toAll]);
  }

  get #router(): string {
    return this.#address(routerOctet);
  }

  #address(octet: number): string {
    return `${this.subnet}.${octet}`;
  }

  /** Makes a link from a port of the router. */
  #linkLines(port: string, peer: string, host: string): string[] {
    return [`link add ${port} type veth peer name ${peer}`, ...this.#portLines(port, host)];
  }

  /** A port of the router behind which one address is. */
  #portLines(port: string, host: string): string[] {
    return [`address add ${this.#router} peer ${host} dev ${port}`, `link set ${port} up`];
  }

  #uplinkLines(device: string, host: string): string[] {
    const byRouter = `route add default via ${this.#router} dev ${device}`;
    return [...this.#addressLines(device, host), byRouter];
  }

  #addressLines(device: string, host: string): string[] {
    return [
      `address add ${host}/32 dev ${device}`,
      `link set ${device} up`,
      `route add ${this.#router} dev ${device}`,
    ];
  }
}

/** The first three octets of addresses that no device of this process has. */
function freeSubnet(wanted: number): string {
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const count = secondOctets * octetCount;
  for (let i = 0; i < count; i++) {
    const n = (wanted + i) % count;
    const second = secondOctetMin + Math.floor(n / octetCount);
    const subnet = `${firstOctet}.${second}.${n % octetCount}`;
    if (!own.some(({ address }) => address.startsWith(`${subnet}.`))) return subnet;
  }
  throw new Error('every subnet of 198.18.0.0/15 is in use');
}
