import { boolean, double, int, listOf, long, oneOf, replicaList } from './values';
import type { ConfigType, ValueRule } from './values';

/** One topic config: what it is called, what it may be, and what Sluice does with it. */
export interface ConfigDefinition {
  name: string;
  /**
   * What Kafka calls the same setting of a whole broker (a synonym in DescribeConfigs); null where
   * brokers have none.
   */
  brokerName: string | null;
  /**
   * Whether Kafka's brokers have a default under that name. `log.retention.ms` and the like have
   * none: theirs is that of a coarser setting, such as `log.retention.hours`.
   */
  brokerHasDefault: boolean;
  type: ConfigType;
  /** Default value, in its stored form. */
  default: string;
  /** Allowed values, in words. */
  allowed: string;
  /** True when Sluice acts on it; false when it is only kept and described. */
  obeyed: boolean;
  /** What it means and what Sluice does with it. */
  documentation: string;
  parse: ValueRule['parse'];
}

type Row = [
  name: string,
  rule: ValueRule,
  fallback: string,
  brokerName: string | null,
  text: string,
];

const noLimit = '9223372036854775807';
const weekMs = '604800000';

/** Configs that change what Sluice does: each has its test in test/integration/obeyed-configs. */
const obeyedRows: Row[] = [
  [
    'cleanup.policy',
    listOf('compact', 'delete'),
    'delete',
    'log.cleanup.policy',
    'What becomes of old records: with delete they go by age and size; with compact alone, or an ' +
      'empty list, they stay. Obeyed in part: a compacted topic refuses records without a key, ' +
      'but Sluice does not compact yet, so it keeps every record: readers see the latest value ' +
      'of each key and all older ones, and memory grows until records are deleted by hand.',
  ],
  [
    'compression.type',
    oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    'producer',
    'compression.type',
    'How batches are compressed when they are stored; producer keeps each batch as it was sent.',
  ],
  [
    'max.decompressed.message.bytes',
    int(1n),
    '2147483639',
    'max.decompressed.message.bytes',
    'Largest record, in bytes, that a compressed batch may hold. A whole batch may decompress to ' +
      '64 MiB in any case.',
  ],
  [
    'max.message.bytes',
    int(0n),
    '1048588',
    'message.max.bytes',
    'Largest record batch, in bytes as sent (after compression), that a producer may write.',
  ],
  [
    'message.timestamp.after.max.ms',
    long(0n),
    '3600000',
    'log.message.timestamp.after.max.ms',
    "How far a record's own timestamp may lie ahead of the clock before its batch is refused. " +
      'Only with CreateTime.',
  ],
  [
    'message.timestamp.before.max.ms',
    long(0n),
    noLimit,
    'log.message.timestamp.before.max.ms',
    "How far a record's own timestamp may lie behind the clock before its batch is refused. " +
      'Only with CreateTime.',
  ],
  [
    'message.timestamp.type',
    oneOf('CreateTime', 'LogAppendTime'),
    'CreateTime',
    'log.message.timestamp.type',
    "Whose timestamp a record carries: the producer's (CreateTime) or that of its arrival " +
      '(LogAppendTime).',
  ],
  [
    'min.insync.replicas',
    int(1n),
    '1',
    'min.insync.replicas',
    'Copies, the Redis primary included, that must hold a write before acks=all is answered; ' +
      'more than 1 needs that many Redis replicas less one.',
  ],
  [
    'retention.bytes',
    long(-1n),
    '-1',
    'log.retention.bytes',
    'Bytes of batches that a partition keeps; -1 is no limit. The oldest batches go for as long ' +
      'as so many bytes are left without them, so what stays is that or up to one batch more. ' +
      'Only where cleanup.policy has delete.',
  ],
  [
    'retention.ms',
    long(-1n),
    weekMs,
    'log.retention.ms',
    'How long records are kept, in ms by their timestamps; -1 is for ever. From the oldest on, a ' +
      'batch goes once its youngest record is older, and what is behind a batch stays until that ' +
      'one goes: a record of the future keeps what follows it. Records without a timestamp ' +
      'count from when they were first seen by a trim. Only where cleanup.policy has delete.',
  ],
  [
    'sluice.ack.disk',
    oneOf('none', 'all'),
    'none',
    null,
    'Whether a record has to be on disk before acks=all is answered and before anybody reads it; ' +
      'all: on that of each copy that min.insync.replicas counts (WAITAOF). Refused where Redis ' +
      'cannot say so: that takes an append-only file and Redis 7.2 or newer, or appendfsync ' +
      'always and one copy. With appendfsync everysec an answer takes up to a second.',
  ],
];

/** Configs about compaction: kept, and not acted upon yet. */
const compactionRows: Row[] = [
  [
    'delete.retention.ms',
    long(0n),
    '86400000',
    'log.cleaner.delete.retention.ms',
    'How long compaction keeps the mark of a deleted key. Without effect: nothing is compacted.',
  ],
  [
    'max.compaction.lag.ms',
    long(1n),
    noLimit,
    'log.cleaner.max.compaction.lag.ms',
    'Longest time a record may wait for compaction. Without effect: nothing is compacted.',
  ],
  [
    'min.cleanable.dirty.ratio',
    double(0, 1),
    '0.5',
    'log.cleaner.min.cleanable.ratio',
    'Share of a log that must be new before it is compacted. Without effect: nothing is compacted.',
  ],
  [
    'min.compaction.lag.ms',
    long(0n),
    '0',
    'log.cleaner.min.compaction.lag.ms',
    'Shortest time a record is safe from compaction. Without effect: nothing is compacted.',
  ],
];

/** Configs that need recompression or brokers' disks: kept so that tools which set them work. */
const storedRows: Row[] = [
  [
    'compression.gzip.level',
    int(1n, 9n, -1n),
    '-1',
    'compression.gzip.level',
    'Effort of gzip where compression.type is gzip; -1 is the default. Sluice uses its own level.',
  ],
  [
    'compression.lz4.level',
    int(1n, 17n),
    '9',
    'compression.lz4.level',
    'Effort of lz4 where compression.type is lz4. Sluice uses its own level.',
  ],
  [
    'compression.zstd.level',
    int(-131_072n, 22n),
    '3',
    'compression.zstd.level',
    'Effort of zstd where compression.type is zstd. Sluice uses its own level.',
  ],
  [
    'errors.deadletterqueue.group.enable',
    boolean(),
    'false',
    null,
    'Whether share groups may send what cannot be processed to this topic. Without effect: there ' +
      'are no share groups.',
  ],
  [
    'file.delete.delay.ms',
    long(0n),
    '60000',
    'log.segment.delete.delay.ms',
    'Pause before a deleted file leaves the disk. Without effect: the log is a Redis stream.',
  ],
  [
    'flush.messages',
    long(1n),
    noLimit,
    'log.flush.interval.messages',
    "Records after which the log is forced to disk. Without effect: Redis' appendfsync decides.",
  ],
  [
    'flush.ms',
    long(0n),
    noLimit,
    'log.flush.interval.ms',
    "Time after which the log is forced to disk. Without effect: Redis' appendfsync decides.",
  ],
  [
    'follower.replication.throttled.replicas',
    replicaList(),
    '',
    null,
    'Followers whose copying is slowed down. Without effect: Redis does the copying.',
  ],
  [
    'index.interval.bytes',
    int(0n),
    '4096',
    'log.index.interval.bytes',
    "Bytes between two entries of a segment's index. Without effect: a stream is its own index.",
  ],
  [
    'leader.replication.throttled.replicas',
    replicaList(),
    '',
    null,
    'Leaders whose copying is slowed down. Without effect: Redis does the copying.',
  ],
  [
    'local.retention.bytes',
    long(-2n),
    '-2',
    'log.local.retention.bytes',
    'Size kept here before tiered storage takes over. Without effect: there is no second tier.',
  ],
  [
    'local.retention.ms',
    long(-2n),
    '-2',
    'log.local.retention.ms',
    'Age kept here before tiered storage takes over. Without effect: there is no second tier.',
  ],
  [
    'preallocate',
    boolean(),
    'false',
    'log.preallocate',
    "Whether a segment's file gets its full size at once. Without effect: there are no such files.",
  ],
  [
    'remote.copy.lag.bytes',
    long(-1n),
    '-1',
    'log.remote.copy.lag.bytes',
    'Size to wait for before copying to tiered storage. Without effect: there is no second tier.',
  ],
  [
    'remote.copy.lag.ms',
    long(-1n),
    '0',
    'log.remote.copy.lag.ms',
    'Age to wait for before copying to tiered storage. Without effect: there is no second tier.',
  ],
  [
    'remote.log.copy.disable',
    boolean(),
    'false',
    null,
    'Stops copying to tiered storage. Without effect: there is no second tier.',
  ],
  [
    'remote.log.delete.on.disable',
    boolean(),
    'false',
    null,
    'Deletes the tiered copy when tiering is turned off. Without effect: there is no second tier.',
  ],
  [
    'remote.storage.enable',
    onlyFalse(),
    'false',
    null,
    'Moves old records to tiered storage. Only false is accepted: there is no second tier.',
  ],
  [
    'segment.bytes',
    int(14n),
    '1073741824',
    'log.segment.bytes',
    "Size of a segment's file. Without effect: a stream has no segments, and trimming is by batch.",
  ],
  [
    'segment.index.bytes',
    int(4n),
    '10485760',
    'log.index.size.max.bytes',
    "Size of a segment's index. Without effect: a stream is its own index.",
  ],
  [
    'segment.jitter.ms',
    long(0n),
    '0',
    'log.roll.jitter.ms',
    'Spread of the times at which segments end. Without effect: a stream has no segments.',
  ],
  [
    'segment.ms',
    long(1n),
    weekMs,
    'log.roll.ms',
    'Age at which a segment ends. Without effect: a stream has no segments.',
  ],
  [
    'unclean.leader.election.enable',
    boolean(),
    'false',
    'unclean.leader.election.enable',
    "Whether a copy that lags may take over. Without effect: Redis' failover decides.",
  ],
];

/** Kafka's brokers without a second tier refuse to turn tiering on; so does this one. */
function onlyFalse(): ValueRule {
  const rule = boolean();
  return {
    type: rule.type,
    allowed: 'false',
    parse(text) {
      const parsed = rule.parse(text);
      if ('ok' in parsed && parsed.ok === 'true') {
        return { problem: 'must be false: there is no tiered storage here' };
      }
      return parsed;
    },
  };
}

/** Their defaults are told in other units: hours, or by the scheduler's interval. */
const withoutBrokerDefault = ['flush.ms', 'retention.ms', 'segment.jitter.ms', 'segment.ms'];

function define([name, rule, fallback, brokerName, documentation]: Row, obeyed: boolean) {
  const { type, allowed, parse } = rule;
  const brokerHasDefault = brokerName !== null && !withoutBrokerDefault.includes(name);
  const about = { name, brokerName, brokerHasDefault, type, default: fallback };
  return { ...about, allowed, obeyed, documentation, parse };
}

/** Every topic config of Kafka 4.4 and our own, sorted by name; other names are refused. */
export const configDefinitions: readonly ConfigDefinition[] = [
  ...obeyedRows.map((row) => define(row, true)),
  ...[...compactionRows, ...storedRows].map((row) => define(row, false)),
].sort((a, b) => (a.name < b.name ? -1 : 1));

const byName = new Map(configDefinitions.map((definition) => [definition.name, definition]));

/** The definition of one config, or undefined when Kafka 4 has no such topic config. */
export function configDefinition(name: string): ConfigDefinition | undefined {
  return byName.get(name);
}

/** Configs of older Kafkas, and what to do about them. */
export const removedConfigs: ReadonlyMap<string, string> = new Map([
  [
    'message.downconversion.enable',
    'Kafka 4 removed it with the old message formats: leave it out',
  ],
  ['message.format.version', 'Kafka 4 removed it: there is only one format left; leave it out'],
  [
    'message.timestamp.difference.max.ms',
    'Kafka 4 replaced it by message.timestamp.before.max.ms and message.timestamp.after.max.ms',
  ],
]);
