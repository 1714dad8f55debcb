import type { Metrics, Sampler } from '@sluice/base';
import { admissionStates, type Admission } from './admission';
import type { Connection } from './connection';
import { redisMetrics } from './metrics';
import type { ServerMemory } from './server';

/** What is shown of a link. */
export interface ObservedLink {
  readonly connections: Readonly<Record<string, Connection>>;
  readonly admission: Pick<Admission, 'state'>;
  readonly memory: Sampler<ServerMemory>;
  /** As last counted; null: nobody has. */
  readonly replicas: () => number | null;
}

/** Shows how a link stands whenever the metrics are read. @returns what ends it */
export function observeLink(metrics: Metrics, link: ObservedLink): () => void {
  const stops = [
    metrics.observe(redisMetrics.up, (tell) => {
      for (const [connection, { redis }] of Object.entries(link.connections)) {
        tell(redis.status === 'ready' && !redis.isHeld ? 1 : 0, { connection });
      }
    }),
    metrics.observe(redisMetrics.admission, (tell) => {
      for (const state of admissionStates) tell(state === link.admission.state ? 1 : 0, { state });
    }),
    metrics.observe(redisMetrics.memoryUsed, (tell) => {
      const memory = link.memory.look();
      if (memory !== null) tell(memory.usedBytes);
    }),
    metrics.observe(redisMetrics.memoryMax, (tell) => {
      const { maxBytes = 0 } = link.memory.look() ?? {};
      if (maxBytes > 0) tell(maxBytes);
    }),
    metrics.observe(redisMetrics.replicas, (tell) => {
      const count = link.replicas();
      if (count !== null) tell(count);
    }),
  ];
  return () => stops.forEach((stop) => stop());
}
