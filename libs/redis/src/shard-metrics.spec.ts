import { silentMetrics, type Metrics } from '@sluice/base';
import type { ServerMemory } from './server';
import { observeShards, type ObservedShard } from './shard-metrics';

/** What is told of shards that use so much memory, and may use so much. */
function toldOf(...memories: readonly (ServerMemory | null)[]): Map<string, number> {
  const told = new Map<string, number>();
  const metrics: Metrics = {
    ...silentMetrics,
    observe: ({ name }, read) => {
      read((value) => void told.set(name, value));
      return () => undefined;
    },
  };
  const shards = memories.map((memory) => ({
    connections: {},
    admission: { state: 'admitted' },
    memory: { look: () => memory },
    replicas: () => null,
  }));
  observeShards(metrics, () => shards as unknown as ObservedShard[]);
  return told;
}

const memory = (usedBytes: number, maxBytes: number): ServerMemory => ({
  usedBytes,
  maxBytes,
  policy: 'noeviction',
});

test('memory is added up over the shards, and has no limit where one of them has none', () => {
  const all = toldOf(memory(10, 100), memory(20, 200), null);
  expect(all.get('sluice_redis_memory_used_bytes')).toBe(30);
  expect(all.get('sluice_redis_memory_max_bytes')).toBe(300);
  const some = toldOf(memory(10, 100), memory(500, 0));
  expect(some.get('sluice_redis_memory_used_bytes')).toBe(510);
  expect(some.has('sluice_redis_memory_max_bytes')).toBe(false);
  expect(toldOf(null).has('sluice_redis_memory_used_bytes')).toBe(false);
});
