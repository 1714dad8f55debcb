import type { Metrics, Sampler } from '@sluice/base';
import { admissionStates, type Admission } from './admission';
import type { Connection } from './connection';
import { redisMetrics } from './metrics';
import { totalMemory, type ServerMemory } from './server';

/** What is shown of a shard. */
export interface ObservedShard {
  readonly connections: Readonly<Record<string, Connection>>;
  readonly admission: Pick<Admission, 'state'>;
  readonly memory: Sampler<ServerMemory>;
  /** As last counted; null: nobody has. */
  readonly replicas: () => number | null;
}

/**
 * Shows how the shards stand whenever the metrics are read: of all together, with what is worst.
 *
 * @returns what ends it
 */
export function observeShards(
  metrics: Metrics,
  shards: () => readonly ObservedShard[],
): () => void {
  const stops = [
    metrics.observe(redisMetrics.up, (tell) => {
      const up = new Map<string, number>();
      for (const { connections } of shards()) {
        for (const [connection, { redis }] of Object.entries(connections)) {
          const isUp = redis.status === 'ready' && !redis.isHeld ? 1 : 0;
          up.set(connection, Math.min(up.get(connection) ?? 1, isUp));
        }
      }
      for (const [connection, isUp] of up) tell(isUp, { connection });
    }),
    metrics.observe(redisMetrics.admission, (tell) => {
      const found = shards().map(({ admission }) => admissionStates.indexOf(admission.state));
      const worst = admissionStates[Math.max(0, ...found)];
      for (const state of admissionStates) tell(state === worst ? 1 : 0, { state });
    }),
    metrics.observe(redisMetrics.memoryUsed, (tell) => {
      const known = knownMemory(shards());
      if (known !== null) tell(known.usedBytes);
    }),
    metrics.observe(redisMetrics.memoryMax, (tell) => {
      const { maxBytes = 0 } = knownMemory(shards()) ?? {};
      if (maxBytes > 0) tell(maxBytes);
    }),
    metrics.observe(redisMetrics.replicas, (tell) => {
      const known = shards().flatMap(({ replicas }) => replicas() ?? []);
      if (known.length > 0) tell(Math.min(...known));
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Of all that have been looked at; null: none has. */
function knownMemory(shards: readonly ObservedShard[]): ServerMemory | null {
  const known = shards.flatMap(({ memory }) => memory.look() ?? []);
  return known.length === 0 ? null : totalMemory(known);
}
