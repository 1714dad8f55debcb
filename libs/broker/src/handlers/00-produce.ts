import {
  resolveConfigs,
  type AppendBatch,
  type AppendOutcome,
  type Topic,
  type TopicConfig,
} from '@sluice/log';
import {
  checkProducedBatch,
  compressionOf,
  isTransactional,
  mendMaxTimestamp,
  recompressBatch,
  readBatchHeader,
  RecordsError,
  stampLogAppendTime,
  type BatchHeader,
  type CompressionName,
} from '@sluice/records';
import { ErrorCode, errorInfo, type ErrorCodeValue, Produce, type RequestOf } from '@sluice/wire';
import type { RequestContext } from '../requests/context';
import { recordsErrorCode, storageErrorCode } from '../requests/error-codes';
import { limits } from '../limits';
import { CloseConnection } from '../requests/close-connection';
import { handle, noReply } from '../requests/handler';

type ProduceRequest = RequestOf<typeof Produce>;
type PartitionData = ProduceRequest['topicData'][number]['partitionData'][number];

interface PartitionReply {
  index: number;
  errorCode: number;
  baseOffset: number;
  logAppendTimeMs: number;
  logStartOffset: number;
  errorMessage?: string | null;
}

const acksAll = -1;
/** The first version in which a producer may send zstd (KIP-110). */
const zstdVersion = 7;
/**
 * Versions below it carried older record formats; they are advertised only for librdkafka's sake.
 */
const servedVersionMin = 3;

/**
 * Produce, v3–v11; v0–v2 are advertised, as Kafka does (KAFKA-18659), and refused. v7: zstd. v8:
 * error messages. v9: flexible. Not covered: transactions (a transactional batch is refused).
 */
export const produce = handle(
  Produce,
  (context, request) =>
    new Promise((resolve, reject) => {
      const replies: PartitionReply[] = [];
      const convertUntilMs = context.services.clock.monotonicMs() + limits.convertMsMax;
      let missing = 1;
      const finish = () => {
        if (--missing > 0) return;
        if (request.acks !== 0) return resolve(toResponse(request, replies));
        const failed = replies.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
        // The client wants no reply; a closed connection is the one way to tell it (as in Kafka).
        if (failed) reject(new CloseConnection('a produce with acks=0 failed', reasonOf(failed)));
        else resolve(noReply);
      };
      for (const { name, partitionData } of request.topicData) {
        const topic = context.services.catalog.byName(name);
        for (const data of partitionData) {
          const at = replies.length;
          replies.push(refusal(data.index, ErrorCode.UNKNOWN_SERVER_ERROR));
          missing++;
          produceToPartition(
            { context, acks: request.acks, convertUntilMs },
            topic,
            data,
            (reply) => {
              replies[at] = reply;
              finish();
            },
          );
        }
      }
      finish();
    }),
  { pipelined: true },
);

/** What the log says of a refusal that no reply tells. */
function reasonOf({ index, errorCode, errorMessage }: PartitionReply) {
  const error = errorInfo(errorCode).name;
  return { partition: index, error, ...(errorMessage ? { reason: errorMessage } : {}) };
}

/** What all partitions of a request share. */
interface Produced {
  readonly context: RequestContext;
  readonly acks: number;
  /** Nothing is recompressed after this time. */
  readonly convertUntilMs: number;
}

/** Validates one partition's batch and gives it its place in the line of appends, all at once. */
function produceToPartition(
  { context, acks, convertUntilMs }: Produced,
  topic: Topic | undefined,
  { index, records }: PartitionData,
  done: (reply: PartitionReply) => void,
): void {
  const { services, apiVersion } = context;
  const refuse = (errorCode: ErrorCodeValue, message?: string) =>
    done(refusal(index, errorCode, message));
  if (acks < acksAll || acks > 1) return refuse(ErrorCode.INVALID_REQUIRED_ACKS);
  if (apiVersion < servedVersionMin) return refuse(ErrorCode.UNSUPPORTED_VERSION);
  const partition = topic && services.partitions.get(topic, index);
  if (!topic || !partition) return refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const config = resolveConfigs(topic);
  const checked = checkBatch(records, config, context, convertUntilMs);
  if ('errorCode' in checked) return refuse(checked.errorCode, checked.message);
  const { batch, logAppendTimeMs } = checked;
  const copies = acks === acksAll ? config.minInsyncReplicas - 1 : 0;
  partition.append(batch, copies, (outcome, error) => {
    if (outcome) return done(toReply(index, outcome, logAppendTimeMs));
    // A connection to Redis that broke may not have let go of the batch yet.
    context.keepFrame();
    const errorCode = storageErrorCode(error);
    if (errorCode !== undefined) return refuse(errorCode, (error as Error).message);
    services.log.error('an append failed', { error: (error as Error).stack ?? String(error) });
    refuse(ErrorCode.UNKNOWN_SERVER_ERROR);
  });
}

type Checked =
  { batch: AppendBatch; logAppendTimeMs: number } | { errorCode: ErrorCodeValue; message?: string };

function checkBatch(
  records: Buffer | null,
  config: TopicConfig,
  { apiVersion, services: { clock } }: RequestContext,
  convertUntilMs: number,
): Checked {
  if (!records || records.length === 0) {
    return { errorCode: ErrorCode.INVALID_RECORD, message: 'A record batch is missing.' };
  }
  let header: BatchHeader;
  try {
    header = checkProducedBatch(records);
    header.maxTimestampMs = mendMaxTimestamp(records, header);
  } catch (error) {
    if (error instanceof RecordsError) return recordsError(error);
    throw error;
  }
  const nowMs = clock.nowMs();
  const refusal = checkAgainstTopic(records, header, config, apiVersion, nowMs);
  if (refusal) return refusal;
  // The event loop is held up meanwhile, for all clients.
  if (otherCompression(header, config) && clock.monotonicMs() > convertUntilMs) {
    const message =
      'The request takes too long to recompress; this part of it is to be sent again.';
    return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, message };
  }
  return prepare(records, header, config, nowMs);
}

function checkAgainstTopic(
  records: Buffer,
  header: BatchHeader,
  config: TopicConfig,
  apiVersion: number,
  nowMs: number,
): Checked | null {
  const { maxMessageBytes } = config;
  if (records.length > maxMessageBytes) return tooLarge(records.length, maxMessageBytes);
  if (isTransactional(header.attributes)) {
    return { errorCode: ErrorCode.INVALID_TXN_STATE, message: 'Transactions are not available.' };
  }
  if (apiVersion < zstdVersion && compressionOf(header.attributes) === 'zstd') {
    const message = 'zstd needs Produce version 7 or later.';
    return { errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message };
  }
  if (config.timestampType === 'CreateTime') {
    const earliest = nowMs - config.timestampBeforeMaxMs;
    const latest = nowMs + config.timestampAfterMaxMs;
    const { baseTimestampMs, maxTimestampMs } = header;
    const none = maxTimestampMs === -1;
    if (
      !none &&
      (Math.min(baseTimestampMs, maxTimestampMs) < earliest || maxTimestampMs > latest)
    ) {
      const span = `${baseTimestampMs} to ${maxTimestampMs}`;
      const message = `Timestamps ${span} are outside the topic's bounds.`;
      return { errorCode: ErrorCode.INVALID_TIMESTAMP, message };
    }
  }
  return null;
}

function tooLarge(bytes: number, maxMessageBytes: number): Checked {
  const message = `The batch has ${bytes} bytes; max.message.bytes is ${maxMessageBytes}.`;
  return { errorCode: ErrorCode.MESSAGE_TOO_LARGE, message };
}

/** Applies what the topic's configs change in a batch; most topics change nothing. */
function prepare(
  records: Buffer,
  header: BatchHeader,
  config: TopicConfig,
  nowMs: number,
): Checked {
  let bytes = records;
  const { maxMessageBytes } = config;
  const wanted = otherCompression(header, config);
  if (wanted) {
    try {
      // What is stored plain need not be opened further than it may be stored.
      const decompressedBytesMax = wanted === 'none' ? maxMessageBytes : undefined;
      bytes = recompressBatch(records, wanted, { decompressedBytesMax });
      header = readBatchHeader(bytes);
    } catch (error) {
      if (error instanceof RecordsError) return recordsError(error);
      throw error;
    }
    // As in Kafka, the limit is on the batch as it is stored, too.
    if (bytes.length > maxMessageBytes) return tooLarge(bytes.length, maxMessageBytes);
  }
  const atAppend = config.timestampType === 'LogAppendTime';
  if (atAppend) stampLogAppendTime(bytes, 0, nowMs);
  const { lastOffsetDelta, producerId, producerEpoch, baseSequence } = header;
  const maxTimestampMs = atAppend ? nowMs : header.maxTimestampMs;
  const batch = { bytes, lastOffsetDelta, maxTimestampMs, producerId, producerEpoch, baseSequence };
  return { batch, logAppendTimeMs: atAppend ? nowMs : -1 };
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

function recordsError(error: RecordsError): Checked {
  return { errorCode: recordsErrorCode(error), message: error.message };
}

function refusal(index: number, errorCode: ErrorCodeValue, message?: string): PartitionReply {
  const errorMessage = message ?? null;
  return {
    index,
    errorCode,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    errorMessage,
  };
}

function toReply(index: number, outcome: AppendOutcome, logAppendTimeMs: number): PartitionReply {
  if ('refused' in outcome) {
    const fenced = outcome.refused === 'fenced-leader';
    return refusal(
      index,
      fenced ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    );
  }
  const { result, logStartOffset } = outcome;
  switch (result.kind) {
    case 'appended':
      return stored(index, result.baseOffset, logAppendTimeMs, logStartOffset);
    case 'duplicate': {
      // What is stored bears the time at which it came first.
      const storedAtMs = logAppendTimeMs === -1 ? -1 : result.maxTimestampMs;
      return stored(index, result.baseOffset, storedAtMs, logStartOffset);
    }
    case 'duplicate-unknown':
      return refusal(index, ErrorCode.DUPLICATE_SEQUENCE_NUMBER);
    case 'out-of-order':
      return refusal(index, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    case 'fenced-producer':
      return refusal(index, ErrorCode.INVALID_PRODUCER_EPOCH);
    case 'invalid-timestamp':
      return refusal(index, ErrorCode.INVALID_TIMESTAMP);
  }
}

function stored(
  index: number,
  baseOffset: number,
  logAppendTimeMs: number,
  logStartOffset: number,
): PartitionReply {
  return { index, errorCode: ErrorCode.NONE, baseOffset, logAppendTimeMs, logStartOffset };
}

function toResponse(request: ProduceRequest, replies: PartitionReply[]) {
  let at = 0;
  const responses = request.topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: replies.slice(at, (at += partitionData.length)),
  }));
  return { responses, throttleTimeMs: 0 };
}
