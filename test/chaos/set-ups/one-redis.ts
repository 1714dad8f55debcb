import { askRedis } from '../../support/ask-redis';
import { startPowerCutRedis } from '../../support/losses';
import { startRedisHere } from '../../support/redis';
import type { ChaosGateway } from './chaos-gateway';
import { makeGateway, versionIn } from './gateways';
import type { SetUp, SetUpDeps } from './set-up';

/** Starts some gateways on one Redis, each with a network of its own to it. */
export async function startOnOneRedis(count: number, deps: SetUpDeps): Promise<SetUp> {
  const powerCut = await startPowerCutRedis().catch(() => null);
  const server = powerCut ?? (await startRedisHere());
  const gateways: ChaosGateway[] = [];
  const stop = async () => {
    try {
      await Promise.all(gateways.map((gateway) => gateway.close()));
    } finally {
      await server.stop();
    }
  };
  const urlOf = ([port]: readonly number[]) => {
    const url = new URL(server.url);
    url.port = String(port);
    return url.href;
  };
  const found = [{ port: Number(new URL(server.url).port) }];
  try {
    for (let id = 1; id <= count; id++) {
      gateways.push(await makeGateway({ id, found, urlOf }, deps));
    }
    await Promise.all(gateways.map((gateway) => gateway.open()));
    const redisVersion = versionIn(await askRedis(server.peer, 'INFO server'));
    const redis = { kind: 'alone', server, powerCut } as const;
    return { gateways, redis, copies: 1, redisVersion, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
