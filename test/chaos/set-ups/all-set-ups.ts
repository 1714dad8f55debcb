import { startOnOneRedis } from './one-redis';
import { startOnCluster } from './redis-cluster';
import type { SetUp, SetUpDeps } from './set-up';
import { startOnWatchedRedis } from './watched-redis';

/** A set-up by name. */
export interface NamedSetUp {
  readonly about: string;
  readonly start: (deps: SetUpDeps) => Promise<SetUp>;
}

export const setUps = {
  single: { about: 'one gateway on one Redis', start: (deps) => startOnOneRedis(1, deps) },
  brokers3: { about: 'three gateways on one Redis', start: (deps) => startOnOneRedis(3, deps) },
  sentinel: {
    about: 'two gateways on a Redis with two replicas, and three Sentinels',
    start: (deps) => startOnWatchedRedis(2, deps),
  },
  cluster: {
    about: 'two gateways on a Redis Cluster of three primaries with a replica each',
    start: (deps) => startOnCluster(2, deps),
  },
} as const satisfies Record<string, NamedSetUp>;

export type SetUpName = keyof typeof setUps;

/** @throws Error where there is none of that name */
export function setUpNamed(name: string): NamedSetUp {
  if (!Object.hasOwn(setUps, name)) throw new Error(`there is no set-up ${name}; see --help`);
  return setUps[name as SetUpName];
}
