import {
  compressionMask,
  compressionOf,
  recordsLimits,
  type BatchHeader,
  type CompressionName,
  type ExamineRules,
  type RecordRules,
} from '@sluice/records';
import type { TopicConfig } from '../configs/resolve';

/** The last rules that were made, and of what. */
let lastRules: { config: TopicConfig; compression: number; nowMs: number; rules: ExamineRules };

/** What a topic asks of the records of a batch that comes now; often the same as of the last. */
export function examineRulesOf(
  config: TopicConfig,
  { attributes }: Pick<BatchHeader, 'attributes'>,
  nowMs: number,
): ExamineRules {
  const compression = attributes & compressionMask;
  const isLast =
    lastRules?.config === config &&
    lastRules.nowMs === nowMs &&
    lastRules.compression === compression;
  if (isLast) return lastRules.rules;
  const rules = newRules(config, compressionOf(attributes), nowMs);
  lastRules = { config, compression, nowMs, rules };
  return rules;
}

function newRules(config: TopicConfig, sent: CompressionName, nowMs: number): ExamineRules {
  const stored = storedCompression(config, sent);
  const compression = stored === sent ? null : stored;
  const { decompressedBytesMax } = recordsLimits;
  return {
    ...recordRulesOf(config, nowMs),
    // What is stored plain need not be opened further than it may be stored.
    decompressedBytesMax: compression === 'none' ? config.maxMessageBytes : decompressedBytesMax,
    compression,
  };
}

/** What a topic asks of each record that comes now. */
export function recordRulesOf(config: TopicConfig, nowMs: number): RecordRules {
  // Where records get the time of their append, their own does not matter.
  const bounded = config.timestampType === 'CreateTime';
  return {
    keysRequired: config.compacted,
    earliestMs: bounded ? nowMs - config.timestampBeforeMaxMs : -Infinity,
    latestMs: bounded ? nowMs + config.timestampAfterMaxMs : Infinity,
    recordBytesMax: config.maxDecompressedMessageBytes,
  };
}

/** How a topic stores a batch that its producer compresses in that way. */
export function storedCompression(
  { compressionType }: Pick<TopicConfig, 'compressionType'>,
  sent: CompressionName,
): CompressionName {
  if (compressionType === 'producer') return sent;
  return compressionType === 'uncompressed' ? 'none' : compressionType;
}
