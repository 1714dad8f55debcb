import type { MetricDefinition } from '@sluice/base';

/** What a process tells of itself, beside what prom-client tells of any. */
export const processMetrics = {
  build: {
    type: 'gauge',
    name: 'sluice_build_info',
    help: 'Always 1; the version of the program is in its label.',
    labels: ['version'],
  },
} as const satisfies Record<string, MetricDefinition>;
