import { join } from 'node:path';
import { defineScript } from '@sluice/redis';

const folder = join(__dirname, '..', 'scripts');

/** A worker says that it is there. */
export const heartbeatScript = defineScript({
  name: 'retention/heartbeat',
  file: join(folder, 'heartbeat.lua'),
  keys: ['workers?'],
  args: ['worker', 'lastsMs'],
  reply: { alive: {} },
});

/** Counts the workers that have said so lately. */
export const countWorkersScript = defineScript({
  name: 'retention/count-workers',
  file: join(folder, 'count-workers.lua'),
  keys: ['workers?'],
  args: [],
  reply: { alive: { count: 'int' } },
});
