import { freePort } from '../../support/redis-local';
import { FaultProxy, type Rewrite } from '../network/fault-proxy';
import { translate } from '../network/addresses';
import { ChaosGateway } from './chaos-gateway';
import type { SetUpDeps } from './set-up';

const host = '127.0.0.1';

/** What a gateway finds, and by what address others tell of it. */
export interface Found {
  port: number;
  /** The port that servers tell; missing where nobody tells of it. */
  toldPort?: number;
}

/** How a gateway is to be. */
export interface GatewayPlan {
  id: number;
  /** All servers and Sentinels: between the gateway and each of them is a network of its own. */
  found: readonly Found[];
  /** The URL of Redis, by the ports at which the gateway finds them, in this order. */
  urlOf: (ports: readonly number[]) => string;
}

/** Makes a gateway with a network of its own to all that it needs; it is not started. */
export async function makeGateway(
  { id, found, urlOf }: GatewayPlan,
  { history, random, logFolder }: SetUpDeps,
): Promise<ChaosGateway> {
  const ports = new Map<number, number>();
  const rewrite: Rewrite | null = found.length === 1 ? null : translate(ports);
  const proxies = found.map(({ port }) => new FaultProxy({ host, port }, random.fork(), rewrite));
  for (const [i, proxy] of proxies.entries()) {
    const own = await proxy.start();
    const { toldPort } = found[i]!;
    if (toldPort !== undefined) ports.set(toldPort, own);
  }
  const place = {
    name: `gateway-${id}`,
    port: await freePort(),
    redisUrl: urlOf(proxies.map(({ port }) => port)),
    redisProxies: proxies,
    logFolder,
    flags: ['--no-admin', '--auto-create-topics=false', `--broker-id=${id}`],
  };
  return new ChaosGateway(place, history, random);
}

/** What a server says that it is, by its INFO. */
export function versionIn(info: string): string {
  const [, product, version] = /^(redis|valkey)_version:(\S+)/m.exec(info) ?? [];
  return `${product} ${version}`;
}
