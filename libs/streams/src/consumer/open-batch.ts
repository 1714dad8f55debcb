import { isControl, readBatchHeader, visitRecords } from '@sluice/records';
import { stampAt } from '@sluice/log';
import type { ConsumedRecord } from '../api';
import type { HeldEntry } from './entry-queue';

/** What all records of a partition have in common, and which of a batch are wanted. */
export interface OpenTerms {
  topic: string;
  partition: number;
  /** The first offset that is wanted. */
  fromOffset: number;
  decompressedBytesMax: number;
}

/**
 * The records of an entry, from an offset on; none of a control batch. Their keys and values are
 * views of the batch.
 *
 * @throws Error when the batch is damaged
 */
export function openBatch(entry: HeldEntry, terms: OpenTerms): ConsumedRecord[] {
  const { lastOffset, bytes, isRepeated: mayBeRepeated } = entry;
  const { topic, partition, fromOffset, decompressedBytesMax } = terms;
  stampAt(lastOffset, bytes, 0);
  const records: ConsumedRecord[] = [];
  if (isControl(readBatchHeader(bytes).attributes)) return records;
  visitRecords(
    bytes,
    ({ offset, timestampMs, key, value, headers }) => {
      if (offset < fromOffset) return true;
      records.push({ topic, partition, offset, timestampMs, key, value, headers, mayBeRepeated });
      return true;
    },
    { decompressedBytesMax },
  );
  return records;
}
