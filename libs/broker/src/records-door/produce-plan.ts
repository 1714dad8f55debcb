import type { NotedBatch } from '@sluice/log';
import { batchHeaderBytes, encodeBatch, partitionForKey, recordBytesMost } from '@sluice/records';
import type { CompressionName } from '@sluice/records';
import type { TakenRecord } from './given-records';

/** How the records of a request are spread. */
export interface Spreading {
  /** How many partitions the topic has. */
  partitions: number;
  /** Where records without a key go. */
  keylessPartition: number;
}

/** A batch of a request, with the places that its records have there. */
export interface PlannedBatch {
  partition: number;
  /** -1: of no idempotent producer. */
  producerId: number;
  /** Indexes into the request's records. */
  indexes: number[];
}

/** The partition of each record: the one given, else by the key as all Kafka clients do it. */
export function spread(
  records: readonly TakenRecord[],
  { partitions, keylessPartition }: Spreading,
): number[] {
  return records.map(({ partition, key }) => {
    if (partition !== null) return partition;
    return key === null ? keylessPartition : partitionForKey(key, partitions);
  });
}

/**
 * Batches in the order of the records, as few as `batchBytesMax` allows. A record that is larger
 * than that has a batch of its own, so that it alone is refused.
 */
export function planBatches(
  records: readonly TakenRecord[],
  partitions: readonly number[],
  batchBytesMax: number,
): PlannedBatch[] {
  const open = new Map<number, { batch: PlannedBatch; bytes: number }>();
  const batches: PlannedBatch[] = [];
  for (const [index, record] of records.entries()) {
    const partition = partitions[index]!;
    const bytes = recordBytesMost(record);
    let last = open.get(partition);
    if (last === undefined || last.bytes + bytes > batchBytesMax) {
      last = { batch: { partition, producerId: -1, indexes: [] }, bytes: batchHeaderBytes };
      open.set(partition, last);
      batches.push(last.batch);
    }
    last.batch.indexes.push(index);
    last.bytes += bytes;
  }
  return batches;
}

/** The batches that were noted of the same records; see `NotedRequest`. */
export function planAsNoted(
  partitions: readonly number[],
  noted: readonly NotedBatch[],
): PlannedBatch[] {
  const waiting = new Map<number, number[]>();
  for (const [index, partition] of partitions.entries()) {
    const indexes = waiting.get(partition);
    if (indexes === undefined) waiting.set(partition, [index]);
    else indexes.push(index);
  }
  return noted.map(({ partition, producerId, records }) => {
    const indexes = waiting.get(partition)?.splice(0, records) ?? [];
    return { partition, producerId, indexes };
  });
}

/** The bytes of a batch. @throws RecordsError */
export function encodePlanned(
  { producerId, indexes }: PlannedBatch,
  records: readonly TakenRecord[],
  terms: { timestampMs: number; compression: CompressionName },
): Buffer {
  const { timestampMs, compression } = terms;
  const sequence = producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence: 0 };
  return encodeBatch({
    records: indexes.map((index) => {
      const { key, value, headers, timestampMs: own } = records[index]!;
      return { key, value, headers, timestampMs: own ?? timestampMs };
    }),
    compression,
    ...sequence,
  });
}
