import { encodeBatch, readBatchHeader, type BatchOptions } from '@sluice/records';
import type { AppendBatch } from '@sluice/log';

/** A batch as a gateway hands it to the log. */
export function appendBatch(options: BatchOptions): AppendBatch {
  return appendedAs(encodeBatch(options));
}

/** The same for bytes that are there already. */
export function appendedAs(bytes: Buffer): AppendBatch {
  const { lastOffsetDelta, maxTimestampMs, producerId, producerEpoch, baseSequence } =
    readBatchHeader(bytes);
  return { bytes, lastOffsetDelta, maxTimestampMs, producerId, producerEpoch, baseSequence };
}

/** A batch of records with the given timestamps and small values, of no idempotent producer. */
export function batchAt(...timestampsMs: number[]): AppendBatch {
  return appendBatch({ records: recordsAt(...timestampsMs) });
}

/** A batch of `count` records of an idempotent producer. */
export function batchOf(
  producer: { id: number; epoch?: number; sequence: number },
  count = 1,
): AppendBatch {
  return appendBatch({
    records: recordsAt(...Array.from({ length: count }, () => 1_000)),
    producerId: producer.id,
    producerEpoch: producer.epoch ?? 0,
    baseSequence: producer.sequence,
  });
}

/** Records with the given timestamps and small values. */
export function recordsAt(...timestampsMs: number[]): { timestampMs: number; value: Buffer }[] {
  return timestampsMs.map((timestampMs, index) => ({
    timestampMs,
    value: Buffer.from(`value ${index}`),
  }));
}
