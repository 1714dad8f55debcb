import {
  appendRefusalCode,
  appendResultCode,
  recordsErrorCode,
  type AppendOutcome,
} from '@sluice/log';
import type { RecordFault, RecordsError } from '@sluice/records';
import { ErrorCode, type ErrorCodeValue, type Produce, type ResponseInput } from '@sluice/wire';

type ProduceResponse = ResponseInput<typeof Produce>;
/** What a producer is told of one partition. */
export type PartitionReply = ProduceResponse['responses'][number]['partitionResponses'][number];

/** Why a partition's batch is not stored. */
export interface Refusal {
  errorCode: ErrorCodeValue;
  message?: string;
  /** The records to blame, where it is for single ones. */
  faults?: readonly RecordFault[];
}

/** The refusal for what is wrong with a batch. */
export function refusalOf(error: RecordsError): Refusal {
  return { errorCode: recordsErrorCode(error), message: error.message, faults: error.faults };
}

/** The reply for a batch that is not stored. */
export function refusedReply(
  index: number,
  { errorCode, message, faults }: Refusal,
): PartitionReply {
  return {
    index,
    errorCode,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: faults?.map((fault) => ({
      batchIndex: fault.index,
      batchIndexErrorMessage: fault.message,
    })),
    errorMessage: message ?? null,
  };
}

/**
 * The reply for what became of an append. `logAppendTimeMs` is -1 where records keep the time that
 * their producer gave them.
 */
export function appendReply(
  index: number,
  outcome: AppendOutcome,
  logAppendTimeMs: number,
): PartitionReply {
  if ('refused' in outcome) {
    return refusedReply(index, { errorCode: appendRefusalCode(outcome.refused) });
  }
  const { result, logStartOffset } = outcome;
  switch (result.kind) {
    case 'appended':
      return storedReply(index, result.baseOffset, logAppendTimeMs, logStartOffset);
    case 'duplicate': {
      // What is stored bears the time at which it came first.
      const storedAtMs = logAppendTimeMs === -1 ? -1 : result.maxTimestampMs;
      return storedReply(index, result.baseOffset, storedAtMs, logStartOffset);
    }
    default:
      return refusedReply(index, { errorCode: appendResultCode(result) });
  }
}

function storedReply(
  index: number,
  baseOffset: number,
  logAppendTimeMs: number,
  logStartOffset: number,
): PartitionReply {
  return { index, errorCode: ErrorCode.NONE, baseOffset, logAppendTimeMs, logStartOffset };
}
