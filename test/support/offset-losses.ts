import { startBroker, type StartBrokerOptions, type TestBroker } from './broker';
import { type DataCopy, copyData, startPowerCutRedis, startReplicatedPair } from './losses';
import { startRedisHere, type TestRedis } from './redis';
import { TcpProxy } from './tcp-proxy';

/** A Redis that is going to lose what it has acknowledged, and the gateway before it. */
export interface Loss {
  /** The gateway that writes at first. */
  readonly gateway: TestBroker;
  /** What is acknowledged from here on is going to be lost. */
  begin(): Promise<void>;
  /** It is lost, and Redis is there again. */
  strike(): Promise<void>;
  /** Another gateway with the same data, after `crash`. */
  startNext(options?: StartBrokerOptions): Promise<TestBroker>;
  stop(): Promise<void>;
}

/** Ends a gateway as SIGKILL does: Redis is told nothing. */
export async function crash({ link, stop }: TestBroker): Promise<void> {
  await link.close();
  await stop();
}

/** The power is cut; the append-only file ends at its last fsync. */
export async function powerCutLoss(): Promise<Loss> {
  const redis = await startPowerCutRedis();
  const parts = await gatewaysOf(redis);
  return {
    ...parts,
    stop: () => parts.stop().finally(() => redis.stop()),
    begin: async () => {
      await redis.onDisk();
      redis.stallDisk();
    },
    strike: async () => {
      await redis.powerCut();
      await redis.restart();
    },
  };
}

/** An older copy of the data is brought back. */
export async function olderCopyLoss(): Promise<Loss> {
  const redis = await startRedisHere();
  const parts = await gatewaysOf(redis);
  let copy: DataCopy;
  return {
    ...parts,
    stop: () => parts.stop().finally(() => redis.stop()),
    begin: async () => void (copy = await copyData(redis)),
    strike: () => copy.bringBack(),
  };
}

/** The primary dies, and a replica is promoted that had not received everything. */
export async function promotionLoss(): Promise<Loss> {
  const pair = await startReplicatedPair();
  const proxy = new TcpProxy(pair.primary.peer);
  const url = `redis://127.0.0.1:${await proxy.start()}`;
  const parts = await gatewaysOf({ ...pair.primary, url });
  return {
    ...parts,
    begin: async () => {
      // What is promoted must be this cluster's, and not an empty Redis.
      await pair.caughtUp();
      pair.link.interrupt();
    },
    strike: async () => {
      await pair.promote();
      await pair.primary.kill();
      proxy.retarget(pair.replica.peer);
    },
    stop: async () => {
      await parts.stop();
      await proxy.stop();
      await pair.stop();
    },
  };
}

async function gatewaysOf(redis: TestRedis) {
  const gateway = await startBroker({ redis });
  const all = [gateway];
  return {
    gateway,
    startNext: async (options: StartBrokerOptions = {}) => {
      const next = await startBroker({ redis, keyPrefix: gateway.keyPrefix, ...options });
      all.push(next);
      return next;
    },
    stop: async () => {
      for (const one of all) await one.stop();
    },
  };
}
