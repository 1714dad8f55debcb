import type { MetricDefinition } from '@sluice/base';

/** Upper bounds of the times of calls, in seconds: from what Redis takes to what is broken off. */
const callSeconds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** What is measured of the connections to Redis. */
export const redisMetrics = {
  calls: {
    type: 'histogram',
    name: 'sluice_redis_call_seconds',
    help:
      'Calls that Redis has answered, from the turn in which they were made to the one in which ' +
      'the answer came: Redis, the way there and back, and the wait of this process for itself. ' +
      'A command by its name, a script by its own; inside of a transaction, until it was queued.',
    labels: ['connection', 'command'],
    labelSetsMax: 200,
    buckets: callSeconds,
  },
  failures: {
    type: 'counter',
    name: 'sluice_redis_call_failures_total',
    help: 'Calls that failed: `answered` with an error of Redis, or `lost` with their connection.',
    labels: ['connection', 'reason'],
  },
  lost: {
    type: 'counter',
    name: 'sluice_redis_connections_lost_total',
    help: 'Connections that stood and broke; they are made again by themselves.',
    labels: ['connection'],
  },
  up: {
    type: 'gauge',
    name: 'sluice_redis_connection_up',
    help: '1 where the connection stands and commands are sent over it, else 0.',
    labels: ['connection'],
  },
  admission: {
    type: 'gauge',
    name: 'sluice_redis_admission',
    help:
      '1 for the state that the server is in, else 0: `admitted`; `looking` at one that has come ' +
      'back, or making partitions ready there; `unfit`, it cannot be used; `suspected`, its data ' +
      'are not those that were there.',
    labels: ['state'],
  },
  memoryUsed: {
    type: 'gauge',
    name: 'sluice_redis_memory_used_bytes',
    help: 'Memory that Redis uses (used_memory), as of the last look; seconds old.',
  },
  memoryMax: {
    type: 'gauge',
    name: 'sluice_redis_memory_max_bytes',
    help: 'The maxmemory of Redis, beyond which it refuses writes; not shown where it has none.',
  },
  replicas: {
    type: 'gauge',
    name: 'sluice_redis_replicas',
    help: 'Replicas in step, as last counted for `acks=all`; not shown where nobody asked.',
  },
} as const satisfies Record<string, MetricDefinition>;
