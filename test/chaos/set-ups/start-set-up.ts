import { askRedis } from '../../support/ask-redis';
import type { Address } from '../../support/home';
import type { ChaosNetwork, Found } from '../network/chaos-network';
import { ChaosGateway } from './chaos-gateway';
import type { SetUp, SetUpDeps } from './set-up';

/** Servers of Redis that are there, and how gateways find them. */
export interface StartedRedis {
  redis: SetUp['redis'];
  /** All servers and Sentinels: what is between a gateway and each of them can be broken. */
  found: readonly Found[];
  /** One of the servers. */
  server: Address;
  /** The URL for a gateway that finds them at these addresses, in the order of `found`. */
  urlOf: (addresses: readonly Address[]) => string;
  copies: number;
  stop: () => Promise<unknown>;
}

/** Starts servers of Redis and then some gateways on them. */
export async function startSetUp(
  count: number,
  deps: SetUpDeps,
  startRedis: (network: ChaosNetwork) => Promise<StartedRedis>,
): Promise<SetUp> {
  const gateways: ChaosGateway[] = [];
  const { redis, found, server, urlOf, copies, stop: stopRedis } = await startRedis(deps.network);
  const stop = async () => {
    try {
      await Promise.all(gateways.map((gateway) => gateway.kill()));
    } finally {
      await stopRedis();
    }
  };
  try {
    for (let id = 1; id <= count; id++) {
      const place = await deps.network.gateway(found);
      const plan = {
        name: `gateway-${id}`,
        redisUrl: urlOf(place.finds),
        flags: ['--no-admin', '--auto-create-topics=false', `--broker-id=${id}`],
        logFolder: deps.logFolder,
      };
      gateways.push(new ChaosGateway(plan, place, deps.history));
    }
    await Promise.all(gateways.map((gateway) => gateway.start()));
    const redisVersion = versionIn(await askRedis(server, 'INFO server'));
    return { gateways, redis, copies, redisVersion, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a server says that it is, by its INFO. */
function versionIn(info: string): string {
  const [, product, version] = /^(redis|valkey)_version:(\S+)/m.exec(info) ?? [];
  return `${product} ${version}`;
}
