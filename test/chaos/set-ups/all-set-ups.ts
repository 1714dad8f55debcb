import { startOnOneRedis } from './one-redis';
import type { SetUp, SetUpDeps } from './set-up';

/** A set-up by name. */
export interface NamedSetUp {
  readonly about: string;
  /** Null where it cannot be had yet. */
  readonly start: ((deps: SetUpDeps) => Promise<SetUp>) | null;
}

export const setUps = {
  single: { about: 'one gateway on one Redis', start: (deps) => startOnOneRedis(1, deps) },
  brokers3: { about: 'three gateways on one Redis', start: (deps) => startOnOneRedis(3, deps) },
  sentinel: { about: 'three gateways on a Redis that Sentinels look after', start: null },
  cluster: { about: 'three gateways on a Redis Cluster', start: null },
} as const satisfies Record<string, NamedSetUp>;

export type SetUpName = keyof typeof setUps;

/** @throws Error where there is none of that name, or it is not supported */
export function setUpNamed(name: string): NamedSetUp & { start: NonNullable<NamedSetUp['start']> } {
  if (!Object.hasOwn(setUps, name)) throw new Error(`there is no set-up ${name}; see --help`);
  const found: NamedSetUp = setUps[name as SetUpName];
  const { start } = found;
  if (start === null) throw new Error(`the set-up ${name} (${found.about}) is not supported yet`);
  return { ...found, start };
}
