import type { MetricDefinition, Metrics } from './metrics';

/** Memory that has a limit, as libraries show it: all under the same names. */
export const memoryMetrics = {
  used: {
    type: 'gauge',
    name: 'sluice_memory_used_bytes',
    help: 'Bytes that are in use of a memory that has a limit of its own.',
    labels: ['budget'],
  },
  limit: {
    type: 'gauge',
    name: 'sluice_memory_limit_bytes',
    help: 'The limit of that memory.',
    labels: ['budget'],
  },
  waiting: {
    type: 'gauge',
    name: 'sluice_memory_waiting',
    help: 'How many wait for room in that memory.',
    labels: ['budget'],
  },
} as const satisfies Record<string, MetricDefinition>;

/** How a memory stands; `MemoryBudget` is one. */
export interface MemoryUse {
  readonly bytesUsed: number;
  readonly bytesMax: number;
  /** How many wait for room in it; none where it is left out. */
  readonly waitingCount?: number;
}

/** Shows memories by their names. @returns what ends it */
export function observeMemory(
  metrics: Metrics,
  budgets: Readonly<Record<string, MemoryUse>>,
): () => void {
  const all = Object.entries(budgets);
  const stops = [
    metrics.observe(memoryMetrics.used, (tell) => {
      for (const [budget, { bytesUsed }] of all) tell(bytesUsed, { budget });
    }),
    metrics.observe(memoryMetrics.limit, (tell) => {
      for (const [budget, { bytesMax }] of all) tell(bytesMax, { budget });
    }),
    metrics.observe(memoryMetrics.waiting, (tell) => {
      for (const [budget, { waitingCount = 0 }] of all) tell(waitingCount, { budget });
    }),
  ];
  return () => stops.forEach((stop) => stop());
}
