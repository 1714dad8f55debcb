import { field } from '../http/fields';

/** A broker: a gateway, as Kafka clients see it. */
export class BrokerView {
  @field.whole({ about: 'Its number.', example: 1 })
  id: number;

  @field.text({ about: 'The host that clients are told to connect to.', example: 'localhost' })
  host: string;

  @field.whole({ about: 'The port that clients are told to connect to.', example: 9_092 })
  port: number;

  @field.flag({ about: 'Whether it is the controller.', example: true })
  isController: boolean;

  @field.text({ about: 'The version of Sluice that it runs.', example: '0.1.0' })
  version: string;

  @field.text({
    about: 'Where it stands, as it was told; null where it was not.',
    nullable: true,
    example: 'eu-west-1a',
  })
  rack: string | null;

  @field.whole({
    about: 'Connections of Kafka clients that are open; null of another broker than the one asked.',
    nullable: true,
    example: 12,
  })
  connections: number | null;
}

/** All brokers. */
export class BrokerList {
  @field.list({ about: 'By number.', items: { kind: 'shape', shape: () => BrokerView } })
  brokers: BrokerView[];
}

/** How Redis keeps what it has. */
export class PersistenceView {
  @field.flag({ about: 'Whether it writes an append-only file.', example: true })
  aof: boolean;

  @field.text({
    about: 'When it syncs that file; null where it does not say.',
    nullable: true,
    example: 'everysec',
  })
  appendfsync: string | null;

  @field.text({
    about: 'When it writes snapshots; empty: never; null where it does not say.',
    nullable: true,
    example: '',
  })
  snapshots: string | null;
}

/** How much memory Redis uses. */
export class MemoryView {
  @field.whole({ about: 'Bytes in use.', example: 73_400_320 })
  usedBytes: number;

  @field.whole({ about: 'Bytes that may be in use; 0: no limit is set.', example: 0 })
  maxBytes: number;

  @field.text({ about: 'What it does when it is full.', example: 'noeviction' })
  policy: string;
}

/** The Redis that has everything. */
export class RedisView {
  @field.flag({ about: 'Whether it can be used at this moment.', example: true })
  connected: boolean;

  @field.text({ about: 'What it is.', choices: ['redis', 'valkey'] })
  product: string;

  @field.text({ about: 'Its version.', example: '7.0.15' })
  version: string;

  @field.text({ about: 'Its part in replication; Sluice uses no other.', choices: ['primary'] })
  role: string;

  @field.whole({
    about: 'Replicas that are connected and in step; null while Redis is away.',
    nullable: true,
    example: 0,
  })
  replicas: number | null;

  @field.shape({ about: 'As it was at the start.', shape: () => PersistenceView })
  persistence: PersistenceView;

  @field.shape({
    about: 'Null while Redis is away.',
    shape: () => MemoryView,
    nullable: true,
  })
  memory: MemoryView | null;

  @field.text({
    about: 'Its history of writes: another run, after a restart.',
    example: '9c2f6a1be02b7f2f1d86b3d87e7a7a31a2f1c9d0',
  })
  runId: string;

  @field.text({
    about: 'Its history of writes: another one after a promotion.',
    example: '5c3b0f8d0c3c1c0f6b63a3d9a0b1f6f3f2e5d4c3',
  })
  replicationId: string;
}

/** The whole. */
export class ClusterView {
  @field.text({ about: 'The id of the cluster, for ever.', example: 'kQ0V9HVJR8mZ1Y2m3n4o5p' })
  id: string;

  @field.whole({
    about: 'The broker that is the controller; null: nobody is at the moment.',
    nullable: true,
    example: 1,
  })
  controller: number | null;

  @field.whole({ about: 'Brokers.', example: 1 })
  brokers: number;

  @field.whole({ about: 'Topics.', example: 24 })
  topics: number;

  @field.whole({ about: 'Partitions of all topics.', example: 288 })
  partitions: number;

  @field.text({ about: 'The version of Sluice.', example: '0.1.0' })
  version: string;

  @field.shape({ about: 'The Redis behind it.', shape: () => RedisView })
  redis: RedisView;
}
