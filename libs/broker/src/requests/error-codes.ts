import { NotEnoughReplicas, NotEnoughReplicasAfterAppend } from '@sluice/log';
import type { RecordsError } from '@sluice/records';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { ErrorCode, type ErrorCodeValue } from '@sluice/wire';

/**
 * The Kafka error for a failed use of Redis in a data request, or undefined for what is our own
 * bug. All of them are retriable: KAFKA_STORAGE_ERROR means surely not written, REQUEST_TIMED_OUT
 * that it may be.
 */
export function storageErrorCode(error: unknown): ErrorCodeValue | undefined {
  if (error instanceof NotEnoughReplicas) return ErrorCode.NOT_ENOUGH_REPLICAS;
  if (error instanceof NotEnoughReplicasAfterAppend) {
    return ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND;
  }
  if (error instanceof UnknownOutcome) return ErrorCode.REQUEST_TIMED_OUT;
  if (error instanceof RedisUnavailable) {
    if (error.reason === 'no-replicas') return ErrorCode.NOT_ENOUGH_REPLICAS;
    return ErrorCode.KAFKA_STORAGE_ERROR;
  }
  return undefined;
}

/** The Kafka error for what is wrong with a batch. */
export function recordsErrorCode({ code }: RecordsError): ErrorCodeValue {
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

/**
 * The same for requests to the group coordinator, where clients retry COORDINATOR_NOT_AVAILABLE.
 */
export function coordinatorErrorCode(error: unknown): ErrorCodeValue | undefined {
  return storageErrorCode(error) === undefined ? undefined : ErrorCode.COORDINATOR_NOT_AVAILABLE;
}

/**
 * Runs a use of Redis; a failure of Redis becomes `failed(code)`, any other error is thrown on.
 */
export async function orStorageError<T>(
  attempt: () => Promise<T>,
  failed: (code: ErrorCodeValue) => T,
): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    const code = storageErrorCode(error);
    if (code === undefined) throw error;
    return failed(code);
  }
}
