import type { MetricDefinition } from '@sluice/base';

/** What is measured of the cluster of gateways. */
export const clusterMetrics = {
  brokers: {
    type: 'gauge',
    name: 'sluice_cluster_brokers',
    help: 'Gateways that are there, as this one knows.',
  },
  controller: {
    type: 'gauge',
    name: 'sluice_cluster_controller_active',
    help: 'Whether this gateway is the controller, 0 or 1: over all gateways it is 1.',
  },
  partitionsLed: {
    type: 'gauge',
    name: 'sluice_cluster_partitions_led',
    help: 'Partitions that this gateway leads.',
  },
  sessionAge: {
    type: 'gauge',
    name: 'sluice_cluster_session_age_seconds',
    help:
      "Since this gateway's session was last renewed: about a second where all is well. When the " +
      'session is over, the others take over what it leads.',
  },
  sessionSure: {
    type: 'gauge',
    name: 'sluice_cluster_session_sure',
    help: 'Whether this gateway is sure of its session, 0 or 1; only then it serves what it leads.',
  },
  sessionsLost: {
    type: 'counter',
    name: 'sluice_cluster_sessions_lost_total',
    help: "How often this gateway's session was over, and it had to join again.",
  },
  leaderships: {
    type: 'counter',
    name: 'sluice_cluster_leaderships_total',
    help:
      'Leaderships that this gateway has given as the controller, by the reason: `placed` (a new ' +
      'partition, or its leader has gone or has a new session), `balanced`, `asked`.',
    labels: ['reason'],
  },
} as const satisfies Record<string, MetricDefinition>;
