import type { MetricDefinition } from '@sluice/base';

/** From a heartbeat out of memory to a fetch that waits as long as it may. */
const requestSeconds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30,
];
/** Topics whose traffic is counted one by one. */
const topicsMax = 200;
const topicHelp = `The first ${topicsMax} topics that are used are counted one by one.`;

/** What is measured at the Kafka door. */
export const brokerMetrics = {
  requests: {
    type: 'counter',
    name: 'sluice_kafka_requests_total',
    help: 'Requests that have come, by the name of their API.',
    labels: ['api'],
  },
  errors: {
    type: 'counter',
    name: 'sluice_kafka_errors_total',
    help:
      'Error codes in replies, by their names. A reply has as many as there are topics, ' +
      'partitions or groups in it that something is wrong with.',
    labels: ['api', 'error'],
    labelSetsMax: 500,
  },
  seconds: {
    type: 'histogram',
    name: 'sluice_kafka_request_seconds',
    help:
      'From when a request has come whole until its reply is handed to the socket. A fetch, a ' +
      'join and a sync may wait in it as long as their clients let them. Without requests that ' +
      'have no reply (acks=0).',
    labels: ['api'],
    buckets: requestSeconds,
  },
  requestBytes: {
    type: 'counter',
    name: 'sluice_kafka_request_bytes_total',
    help: 'Bytes of requests, without their sizes in front.',
    labels: ['api'],
  },
  replyBytes: {
    type: 'counter',
    name: 'sluice_kafka_reply_bytes_total',
    help: 'Bytes of replies.',
    labels: ['api'],
  },
  inFlight: {
    type: 'gauge',
    name: 'sluice_kafka_in_flight_requests',
    help: 'Requests that have come and are not answered yet; the bytes are among the memories.',
  },
  connections: {
    type: 'gauge',
    name: 'sluice_kafka_connections',
    help: 'Connections of clients that are open.',
  },
  accepted: {
    type: 'counter',
    name: 'sluice_kafka_connections_accepted_total',
    help: 'Connections that were accepted.',
  },
  refused: {
    type: 'counter',
    name: 'sluice_kafka_connections_refused_total',
    help: 'Connections that were closed at once: `too_many` are open, or the gateway `stopping`.',
    labels: ['reason'],
  },
  closed: {
    type: 'counter',
    name: 'sluice_kafka_connections_closed_total',
    help: 'Connections that have ended: by `the_client`, or by the gateway and why.',
    labels: ['reason'],
  },
  producedBatches: {
    type: 'counter',
    name: 'sluice_produced_batches_total',
    help: `Batches that were appended. ${topicHelp}`,
    labels: ['topic'],
    labelSetsMax: topicsMax,
  },
  producedRecords: {
    type: 'counter',
    name: 'sluice_produced_records_total',
    help: 'Records in them.',
    labels: ['topic'],
    labelSetsMax: topicsMax,
  },
  producedBytes: {
    type: 'counter',
    name: 'sluice_produced_bytes_total',
    help: 'Their bytes, as they are stored.',
    labels: ['topic'],
    labelSetsMax: topicsMax,
  },
  fetchedBatches: {
    type: 'counter',
    name: 'sluice_fetched_batches_total',
    help: `Batches that were read for consumers. ${topicHelp}`,
    labels: ['topic'],
    labelSetsMax: topicsMax,
  },
  fetchedRecords: {
    type: 'counter',
    name: 'sluice_fetched_records_total',
    help: 'Offsets that consumers came forward by them: their records, where none are left out.',
    labels: ['topic'],
    labelSetsMax: topicsMax,
  },
  fetchedBytes: {
    type: 'counter',
    name: 'sluice_fetched_bytes_total',
    help: 'Their bytes.',
    labels: ['topic'],
    labelSetsMax: topicsMax,
  },
  reads: {
    type: 'counter',
    name: 'sluice_reads_total',
    help:
      'Reads of a partition that gave something, by where that was: `hot`, in memory since it ' +
      'was appended; `ahead`, read from Redis before it was asked for; `cold`, read from Redis ' +
      'then.',
    labels: ['source'],
  },
  readBytes: {
    type: 'counter',
    name: 'sluice_read_bytes_total',
    help: 'Bytes of those reads.',
    labels: ['source'],
  },
  lag: {
    type: 'gauge',
    name: 'sluice_group_lag_records',
    help:
      'Records between what a group has committed and the ends of the logs, of all partitions of ' +
      'a topic together. Asked of Redis in the background while the metrics are read, so it is ' +
      'as old as the look before.',
    labels: ['group', 'topic'],
    labelSetsMax: 1_000,
  },
  lagAge: {
    type: 'gauge',
    name: 'sluice_group_lag_age_seconds',
    help: 'How old the figures of the lag are; not shown before there are any.',
  },
  lagLeftOut: {
    type: 'gauge',
    name: 'sluice_group_lag_left_out_groups',
    help: 'Groups whose lag is not looked at, because there are so many groups or partitions.',
  },
  waitingFetches: {
    type: 'gauge',
    name: 'sluice_waiting_fetches',
    help: 'Fetches that wait for records to come.',
  },
  partitionsInMemory: {
    type: 'gauge',
    name: 'sluice_partitions_in_memory',
    help: 'Partitions that were used lately.',
  },
  examined: {
    type: 'histogram',
    name: 'sluice_examine_seconds',
    help:
      'Compressed batches of producers that were unpacked and examined: on the event `loop`, or ' +
      'large ones on a `thread`, with their wait for it.',
    labels: ['where'],
    buckets: [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  },
  examineQueue: {
    type: 'gauge',
    name: 'sluice_examine_queue',
    help: 'Batches that wait for a thread.',
  },
  examineThreads: {
    type: 'gauge',
    name: 'sluice_examine_threads',
    help: 'Threads that examine batches.',
  },
  examineFailures: {
    type: 'counter',
    name: 'sluice_examine_threads_lost_total',
    help: 'Threads that failed or took too long, and were replaced.',
  },
} as const satisfies Record<string, MetricDefinition>;
