import { defaultOf } from './changes';
import type { ConfigValues } from './changes';
import { confirmationsOf, type Confirmation, type Confirmations } from './confirmation';
import { listItems } from './values';

/** What compression.type may be; producer keeps each batch as it was sent. */
export type CompressionPolicy = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/**
 * A topic's configs, typed, with the defaults filled in. Numbers beyond 2^53 - 1 become 2^53 - 1.
 */
export interface TopicConfig {
  maxMessageBytes: number;
  /** Of one record in a compressed batch. */
  maxDecompressedMessageBytes: number;
  timestampType: 'CreateTime' | 'LogAppendTime';
  timestampBeforeMaxMs: number;
  timestampAfterMaxMs: number;
  compressionType: CompressionPolicy;
  compressionGzipLevel: number;
  compressionLz4Level: number;
  compressionZstdLevel: number;
  minInsyncReplicas: number;
  /** What has to have a record before it is read; null: the primary's word is enough. */
  confirmations: Confirmations | null;
  /** -1 is for ever. */
  retentionMs: number;
  /** -1 is no limit. */
  retentionBytes: number;
  /** What cleanup.policy holds; empty means that nothing is ever cleaned up. */
  cleanupPolicy: readonly ('compact' | 'delete')[];
  /** True when the topic is compacted, so that a record without a key must be refused. */
  compacted: boolean;
  /** True when retention.ms and retention.bytes apply. */
  deletesOld: boolean;
}

const resolved = new WeakMap<ConfigValues, TopicConfig>();

/**
 * The typed view of a topic's configs. Remembered per `configs` object, and the catalogue makes a
 * new one with each change of the topic, so this may be called for every request.
 */
export function resolveConfigs(topic: { configs: ConfigValues }): TopicConfig {
  let view = resolved.get(topic.configs);
  if (!view) resolved.set(topic.configs, (view = resolve(topic.configs)));
  return view;
}

/**
 * What a topic asks for of records whose producer does not wait for it; null: nothing, undefined:
 * there is no such topic (any more).
 */
export function confirmationOf(
  topics: { byId(id: string): { configs: ConfigValues } | undefined },
  topicId: string,
): Confirmation | null | undefined {
  const topic = topics.byId(topicId);
  if (topic === undefined) return undefined;
  return resolveConfigs(topic).confirmations?.later ?? null;
}

function resolve(configs: ConfigValues): TopicConfig {
  const text = (name: string) => configs[name] ?? defaultOf(name);
  const number = (name: string) => saturated(BigInt(text(name)));
  const cleanupPolicy = listItems(text('cleanup.policy')) as ('compact' | 'delete')[];
  return Object.freeze({
    maxMessageBytes: number('max.message.bytes'),
    maxDecompressedMessageBytes: number('max.decompressed.message.bytes'),
    timestampType: text('message.timestamp.type') as TopicConfig['timestampType'],
    timestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    compressionType: text('compression.type') as CompressionPolicy,
    compressionGzipLevel: number('compression.gzip.level'),
    compressionLz4Level: number('compression.lz4.level'),
    compressionZstdLevel: number('compression.zstd.level'),
    minInsyncReplicas: number('min.insync.replicas'),
    confirmations: confirmationsOf(number('min.insync.replicas'), 'none'),
    retentionMs: number('retention.ms'),
    retentionBytes: number('retention.bytes'),
    cleanupPolicy: Object.freeze(cleanupPolicy),
    compacted: cleanupPolicy.includes('compact'),
    deletesOld: cleanupPolicy.includes('delete'),
  });
}

function saturated(value: bigint): number {
  const largest = BigInt(Number.MAX_SAFE_INTEGER);
  if (value > largest) return Number.MAX_SAFE_INTEGER;
  if (value < -largest) return -Number.MAX_SAFE_INTEGER;
  return Number(value);
}
