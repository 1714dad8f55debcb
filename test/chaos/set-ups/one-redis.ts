import { hostAndPort } from '../../support/home';
import { startPowerCutRedis } from '../../support/losses';
import { startRedisHere } from '../../support/redis';
import type { ChaosNetwork } from '../network/chaos-network';
import type { SetUp, SetUpDeps } from './set-up';
import { startSetUp, type StartedRedis } from './start-set-up';

/** Starts some gateways on one Redis, each with a network of its own to it. */
export function startOnOneRedis(count: number, deps: SetUpDeps): Promise<SetUp> {
  return startSetUp(count, deps, startOne);
}

async function startOne(network: ChaosNetwork): Promise<StartedRedis> {
  const home = await network.home();
  const powerCut = await startPowerCutRedis({ home }).catch(() => null);
  const server = powerCut ?? (await startRedisHere({ home }));
  return {
    redis: { kind: 'alone', server, powerCut },
    found: [server],
    server,
    urlOf: ([address]) => {
      const url = new URL(server.url);
      url.host = hostAndPort(address!);
      return url.href;
    },
    copies: 1,
    stop: () => server.stop(),
  };
}
