import type { MetricDefinition } from '@sluice/base';

/** What is measured of topics and partitions in Redis. */
export const logMetrics = {
  topics: { type: 'gauge', name: 'sluice_topics', help: 'Topics that there are.' },
  partitions: { type: 'gauge', name: 'sluice_partitions', help: 'Partitions of all topics.' },
  appendCalls: {
    type: 'counter',
    name: 'sluice_append_calls_total',
    help:
      'Calls that append batches to one partition (group commit): through the append `script`, ' +
      'or `direct`, past Lua in a transaction.',
    labels: ['path'],
  },
  appendBatches: {
    type: 'histogram',
    name: 'sluice_append_call_batches',
    help: 'Batches of one append call.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000],
  },
  appendBytes: {
    type: 'histogram',
    name: 'sluice_append_call_bytes',
    help: 'Bytes of one append call.',
    buckets: [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304],
  },
  appendWait: {
    type: 'histogram',
    name: 'sluice_append_wait_seconds',
    help:
      'How long the first batch of an append call was at the head of its line before the call ' +
      'was made: while the call before it was out.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
  confirm: {
    type: 'histogram',
    name: 'sluice_append_confirm_seconds',
    help: 'How long replicas took to confirm an append call, where min.insync.replicas is over 1.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
  results: {
    type: 'counter',
    name: 'sluice_append_batches_total',
    help:
      'Batches by what became of them: `appended`; `duplicate` (there already, of an idempotent ' +
      'producer); refused by its sequence or epoch; or `failed`, with their whole call.',
    labels: ['result'],
  },
  recoveredPartitions: {
    type: 'counter',
    name: 'sluice_recovery_moved_partitions_total',
    help: 'Partitions that went on behind offsets that Redis may have lost.',
  },
  skippedOffsets: {
    type: 'counter',
    name: 'sluice_recovery_skipped_offsets_total',
    help: 'Offsets that were left out because Redis may have lost records that had them.',
  },
  producerIds: {
    type: 'counter',
    name: 'sluice_producer_ids_total',
    help: 'Producer ids that were given to idempotent producers.',
  },
} as const satisfies Record<string, MetricDefinition>;
