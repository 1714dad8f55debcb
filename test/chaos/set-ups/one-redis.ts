import { askRedis } from '../../support/ask-redis';
import { startPowerCutRedis } from '../../support/losses';
import { startRedisHere } from '../../support/redis';
import { freePort } from '../../support/redis-local';
import { FaultProxy } from '../network/fault-proxy';
import { ChaosGateway } from './chaos-gateway';
import type { SetUp, SetUpDeps } from './set-up';

/** Starts some gateways on one Redis, each with a network of its own to it. */
export async function startOnOneRedis(count: number, deps: SetUpDeps): Promise<SetUp> {
  const powerCut = await startPowerCutRedis().catch(() => null);
  const redis = powerCut ?? (await startRedisHere());
  const gateways: ChaosGateway[] = [];
  const stop = async () => {
    try {
      await Promise.all(gateways.map((gateway) => gateway.close()));
    } finally {
      await redis.stop();
    }
  };
  try {
    for (let id = 1; id <= count; id++) gateways.push(await makeGateway(id, redis.url, deps));
    await Promise.all(gateways.map((gateway) => gateway.open()));
    const info = await askRedis(redis.peer, 'INFO server');
    const [, product, version] = /^(redis|valkey)_version:(\S+)/m.exec(info) ?? [];
    return { gateways, redis, powerCut, redisVersion: `${product} ${version}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeGateway(
  id: number,
  redisUrl: string,
  { history, random, logFolder }: SetUpDeps,
): Promise<ChaosGateway> {
  const url = new URL(redisUrl);
  const proxy = new FaultProxy({ host: url.hostname, port: Number(url.port) }, random.fork());
  url.port = String(await proxy.start());
  const place = {
    name: `gateway-${id}`,
    port: await freePort(),
    redisUrl: url.href,
    redisProxies: [proxy],
    logFolder,
    flags: ['--no-admin', '--auto-create-topics=false', `--broker-id=${id}`],
  };
  return new ChaosGateway(place, history, random);
}
