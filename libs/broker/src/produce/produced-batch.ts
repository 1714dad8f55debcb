import type { AppendBatch, TopicConfig } from '@sluice/log';
import {
  applyFindings,
  checkProducedBatch,
  compressionMask,
  compressionOf,
  isTransactional,
  RecordsError,
  recordsLimits,
  stampLogAppendTime,
  type BatchHeader,
  type CompressionName,
  type ExamineRules,
  type Findings,
} from '@sluice/records';
import { ErrorCode } from '@sluice/wire';
import { refusalOf, type Refusal } from './partition-reply';

/** The first version in which a producer may send zstd (KIP-110). */
const zstdVersion = 7;

/**
 * All that can be said against a batch without opening its records, cheapest first: its header, or
 * why it is refused.
 */
export function checkHeader(
  records: Buffer | null,
  config: TopicConfig,
  apiVersion: number,
): BatchHeader | Refusal {
  if (!records || records.length === 0) {
    return { errorCode: ErrorCode.INVALID_RECORD, message: 'A record batch is missing.' };
  }
  if (records.length > config.maxMessageBytes) return tooLarge(records.length, config);
  let header: BatchHeader;
  try {
    header = checkProducedBatch(records);
  } catch (error) {
    if (error instanceof RecordsError) return refusalOf(error);
    throw error;
  }
  if (isTransactional(header.attributes)) {
    return { errorCode: ErrorCode.INVALID_TXN_STATE, message: 'Transactions are not available.' };
  }
  if (apiVersion < zstdVersion && compressionOf(header.attributes) === 'zstd') {
    const message = 'zstd needs Produce version 7 or later.';
    return { errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message };
  }
  return header;
}

/** The last rules that were made, and of what. */
let lastRules: { config: TopicConfig; compression: number; nowMs: number; rules: ExamineRules };

/** What a topic asks of the records of a batch that comes now; often the same as of the last. */
export function rulesOf(config: TopicConfig, header: BatchHeader, nowMs: number): ExamineRules {
  const compression = header.attributes & compressionMask;
  const isLast =
    lastRules?.config === config &&
    lastRules.nowMs === nowMs &&
    lastRules.compression === compression;
  if (!isLast) lastRules = { config, compression, nowMs, rules: newRules(config, header, nowMs) };
  return lastRules.rules;
}

function newRules(config: TopicConfig, header: BatchHeader, nowMs: number): ExamineRules {
  // Where records get the time of their append, their own does not matter.
  const bounded = config.timestampType === 'CreateTime';
  const compression = otherCompression(header, config);
  const { decompressedBytesMax } = recordsLimits;
  return {
    keysRequired: config.compacted,
    earliestMs: bounded ? nowMs - config.timestampBeforeMaxMs : -Infinity,
    latestMs: bounded ? nowMs + config.timestampAfterMaxMs : Infinity,
    recordBytesMax: config.maxDecompressedMessageBytes,
    // What is stored plain need not be opened further than it may be stored.
    decompressedBytesMax: compression === 'none' ? config.maxMessageBytes : decompressedBytesMax,
    compression,
  };
}

/** The compression that the topic wants in place of the producer's; null when it takes that. */
function otherCompression(
  { attributes }: BatchHeader,
  { compressionType }: TopicConfig,
): CompressionName | null {
  if (compressionType === 'producer') return null;
  const wanted = compressionType === 'uncompressed' ? 'none' : compressionType;
  return wanted === compressionOf(attributes) ? null : wanted;
}

/** What a batch is, and what its topic makes of it. */
export interface BatchOfTopic {
  readonly bytes: Buffer;
  readonly header: BatchHeader;
  readonly config: TopicConfig;
  readonly rules: ExamineRules;
}

/**
 * Makes a batch what the topic stores, now that its records have been examined.
 *
 * @param logAppendTimeMs the time that its records get; -1 for their own
 */
export function prepare(
  { bytes: records, header, config, rules }: BatchOfTopic,
  findings: Findings,
  logAppendTimeMs: number,
): AppendBatch | Refusal {
  const bytes = applyFindings(records, header, findings, rules.compression);
  // As in Kafka, the limit is on the batch as it is stored, too.
  if (bytes.length > config.maxMessageBytes) return tooLarge(bytes.length, config);
  const atAppend = logAppendTimeMs !== -1;
  if (atAppend) stampLogAppendTime(bytes, 0, logAppendTimeMs);
  const { lastOffsetDelta, producerId, producerEpoch, baseSequence } = header;
  const maxTimestampMs = atAppend ? logAppendTimeMs : header.maxTimestampMs;
  return { bytes, lastOffsetDelta, maxTimestampMs, producerId, producerEpoch, baseSequence };
}

function tooLarge(bytes: number, { maxMessageBytes }: TopicConfig): Refusal {
  const message = `The batch has ${bytes} bytes; max.message.bytes is ${maxMessageBytes}.`;
  return { errorCode: ErrorCode.MESSAGE_TOO_LARGE, message };
}
