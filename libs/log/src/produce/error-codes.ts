import type { RecordsError } from '@sluice/records';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';
import { LeadershipLost } from '../leadership';
import type { AppendRefusal, AppendResult } from '../writer/append-call';
import { NotEnoughReplicas, NotEnoughReplicasAfterAppend } from '../writer/replication';

/**
 * The Kafka error for a failed use of Redis in a data request, or undefined for what is our own
 * bug. All of them are retriable: KAFKA_STORAGE_ERROR and NOT_LEADER_OR_FOLLOWER mean surely not
 * written, REQUEST_TIMED_OUT that it may be.
 */
export function storageErrorCode(error: unknown): ErrorCodeValue | undefined {
  if (error instanceof NotEnoughReplicas) return ErrorCode.NOT_ENOUGH_REPLICAS;
  if (error instanceof NotEnoughReplicasAfterAppend) {
    return ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND;
  }
  if (error instanceof LeadershipLost) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
  if (error instanceof UnknownOutcome) return ErrorCode.REQUEST_TIMED_OUT;
  if (error instanceof RedisUnavailable) {
    if (error.reason === 'no-replicas') return ErrorCode.NOT_ENOUGH_REPLICAS;
    return ErrorCode.KAFKA_STORAGE_ERROR;
  }
  return undefined;
}

/** The Kafka error for what is wrong with a batch. */
export function recordsErrorCode({ code }: Pick<RecordsError, 'code'>): ErrorCodeValue {
  switch (code) {
    case 'corrupt':
      return ErrorCode.CORRUPT_MESSAGE;
    case 'unsupported-compression':
      return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
    case 'too-large':
      return ErrorCode.MESSAGE_TOO_LARGE;
    case 'invalid-timestamp':
      return ErrorCode.INVALID_TIMESTAMP;
    // As Kafka answers formats 0 and 1 in the versions of Produce that are served.
    case 'unsupported-magic':
    case 'invalid-record':
      return ErrorCode.INVALID_RECORD;
  }
}

/** The Kafka error for an append that was refused as a whole. */
export function appendRefusalCode(refused: AppendRefusal): ErrorCodeValue {
  return refused === 'fenced-leader'
    ? ErrorCode.NOT_LEADER_OR_FOLLOWER
    : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

/** The Kafka error for what became of one batch of an append; NONE where it is in the log. */
export function appendResultCode({ kind }: AppendResult): ErrorCodeValue {
  switch (kind) {
    case 'appended':
    case 'duplicate':
      return ErrorCode.NONE;
    case 'duplicate-unknown':
      return ErrorCode.DUPLICATE_SEQUENCE_NUMBER;
    case 'out-of-order':
      return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
    case 'fenced-producer':
      return ErrorCode.INVALID_PRODUCER_EPOCH;
    case 'invalid-timestamp':
      return ErrorCode.INVALID_TIMESTAMP;
  }
}
