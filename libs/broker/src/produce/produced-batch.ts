import type { Clock } from '@sluice/base';
import { appendable, checkBatchBytes, type Appendable, type TopicConfig } from '@sluice/log';
import {
  applyFindings,
  checkProducedBatch,
  compressionOf,
  isTransactional,
  RecordsError,
  type BatchHeader,
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
  let header: BatchHeader;
  try {
    checkBatchBytes(records.length, config);
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

/**
 * Makes a batch what the topic stores, now that its records have been examined.
 *
 * @throws RecordsError
 */
export function prepare(
  records: Buffer,
  header: BatchHeader,
  findings: Findings,
  { config, rules }: { config: TopicConfig; rules: ExamineRules },
  clock: Pick<Clock, 'nowMs'>,
): Appendable {
  const bytes = applyFindings(records, header, findings, rules.compression);
  // As in Kafka, the limit is on the batch as it is stored, too.
  return appendable(bytes, header, config, clock);
}
