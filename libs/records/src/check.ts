import { compressionOf, isControl, isTransactional, usesLogAppendTime } from './attributes';
import { crc32cBetween } from './crc32c';
import { RecordsError } from './errors';
import {
  batchHeaderBytes,
  batchSizeAt,
  field,
  lengthPrefixBytes,
  magicV2,
  readBatchHeader,
  type BatchHeader,
} from './header';
import { readInt32, writeInt64 } from './integers';

/**
 * Checks that the buffer is exactly one whole batch v2 whose CRC is right, and reads its header.
 * @throws RecordsError `corrupt`, `unsupported-magic`; `invalid-record` when it is empty or has
 * bytes after the batch.
 */
export function checkWholeBatch(batch: Buffer): BatchHeader {
  if (batch.length === 0) throw new RecordsError('invalid-record', 'no record batch');
  // Formats 0 and 1 have their magic at the same place, and may be shorter than our header.
  if (batch.length > field.magic && batch[field.magic] !== magicV2) {
    throw new RecordsError('unsupported-magic', `magic ${batch[field.magic]} is not ${magicV2}`);
  }
  const size = batchSizeAt(batch, 0);
  if (size < batchHeaderBytes || size > batch.length) {
    throw new RecordsError('corrupt', `batch of ${size} bytes in ${batch.length} bytes`);
  }
  if (size < batch.length) {
    throw new RecordsError('invalid-record', `${batch.length - size} bytes follow the batch`);
  }
  const crc = crc32cBetween(batch, field.attributes, size);
  if (crc !== readInt32(batch, field.crc) >>> 0) {
    throw new RecordsError('corrupt', 'the CRC of the batch is wrong');
  }
  return readBatchHeader(batch);
}

/**
 * Checks what a producer sent for one partition, but for the records themselves: that it is one
 * whole batch, its CRC, and that its header does not contradict itself. The partition leader epoch
 * is not checked, since clients send -1 or 0 as they like. The base offset, which only the log
 * gives, is set to 0: what there is may be beyond 2^53.
 * @throws RecordsError `corrupt`, `unsupported-magic`, `unsupported-compression`,
 * `invalid-timestamp`, and `invalid-record` for anything else that Kafka answers with
 * INVALID_RECORD.
 */
export function checkProducedBatch(records: Buffer): BatchHeader {
  clearBaseOffset(records);
  const header = checkWholeBatch(records);
  compressionOf(header.attributes);
  if (usesLogAppendTime(header.attributes)) {
    throw new RecordsError('invalid-timestamp', 'a log append time from a client');
  }
  const broken = brokenRule(header);
  if (broken !== null) throw new RecordsError('invalid-record', broken);
  return header;
}

/** It lies before what the CRC covers. Most producers send 0. */
function clearBaseOffset(batch: Buffer): void {
  if (batch.length < batchHeaderBytes) return;
  const isZero = readInt32(batch, field.baseOffset) === 0;
  if (isZero && readInt32(batch, field.baseOffset + 4) === 0) return;
  writeInt64(batch, 0, field.baseOffset);
}

function brokenRule(header: BatchHeader): string | null {
  const { attributes, batchLength, lastOffsetDelta, producerId, recordCount } = header;
  if (recordCount <= 0) return `a batch of ${recordCount} records`;
  if (lastOffsetDelta !== recordCount - 1) {
    return `last offset delta ${lastOffsetDelta} for ${recordCount} records`;
  }
  if (batchLength + lengthPrefixBytes === batchHeaderBytes) return 'no bytes for its records';
  if (isControl(attributes)) return 'a control batch from a client';
  if (producerId >= 0 && (header.baseSequence < 0 || header.producerEpoch < 0)) {
    return `producer ${producerId} without a sequence or an epoch`;
  }
  if (producerId < 0 && isTransactional(attributes)) return 'a transaction without a producer id';
  return null;
}
